/**
 * The slow walk over everything that is stored, to find what rotted before it is asked for: each
 * leaf, each value and each log entry against its checksum, and all entries together against the
 * hash that is kept with the applied index. Flushes go on between two slices; what they change
 * behind the walk is followed.
 */
import { sameBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { sleep } from "../base/clock.ts";
import { entryDigest, SetHash } from "./digest.ts";
import { CorruptionError } from "./errors.ts";
import { compareKeys } from "./key_order.ts";
import { type Leaf, positionIn } from "./leaf.ts";
import type { LogDisk } from "./log_disk.ts";
import type { Maintenance } from "./maintenance.ts";
import type { State } from "./state.ts";
import type { StateFile } from "./state_file.ts";

export interface ScrubOptions {
  /** Told of each damage as it is found. */
  readonly onDamage?: (error: CorruptionError) => void;
  /** Rest between two slices; 20 ms. */
  readonly pauseMs?: number;
}

export interface ScrubReport {
  readonly entries: number;
  readonly logEntries: number;
  readonly damages: readonly CorruptionError[];
  /** False where the walk was overtaken by a restore or a failed flush, and has to be repeated. */
  readonly isComplete: boolean;
}

export interface ScrubParts {
  readonly state: State;
  readonly log: LogDisk;
  readonly maintenance: Maintenance;
  readonly clock: Clock;
}

const SLICE_LEAVES = 16;
const PAUSE_MS = 20;

/** Walks state and log once. */
export async function scrub(parts: ScrubParts, options: ScrubOptions): Promise<ScrubReport> {
  const walk = new Walk(parts, options);
  const { clock, maintenance } = parts;
  const pauseMs = options.pauseMs ?? PAUSE_MS;
  while (await maintenance.exclusively(() => walk.slice())) {
    if (pauseMs > 0) await sleep(clock, pauseMs);
  }
  await maintenance.exclusively(() => walk.log());
  return walk.report();
}

class Walk {
  readonly #parts: ScrubParts;
  readonly #options: ScrubOptions;
  readonly #damages: CorruptionError[] = [];
  #hash = new SetHash();
  #cursor: string | undefined = "";
  #file: StateFile | undefined;
  readonly #content: number;
  readonly #failedBefore: number;
  #entries = 0;
  #logEntries = 0;
  #isComplete = true;

  constructor(parts: ScrubParts, options: ScrubOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#failedBefore = parts.maintenance.failedFlushes;
    this.#content = parts.state.content;
  }

  report(): ScrubReport {
    return {
      entries: this.#entries,
      logEntries: this.#logEntries,
      damages: this.#damages,
      isComplete: this.#isComplete,
    };
  }

  /** A few leaves; returns whether there is more to do. */
  async slice(): Promise<boolean> {
    const { state, maintenance } = this.#parts;
    const { file } = state;
    const failed = maintenance.failedFlushes > this.#failedBefore;
    if (failed || this.#content !== state.content) this.#isComplete = false;
    if (!this.#isComplete) return false;
    if (this.#file !== file) {
      this.#file = file;
      file.onChange = (key, before, after) => this.#follow(key, before, after);
    }
    for (let i = 0; i < SLICE_LEAVES && this.#cursor !== undefined; i++) {
      this.#cursor = await this.#leaf(file, this.#cursor);
    }
    if (this.#cursor !== undefined) return true;
    file.onChange = undefined;
    if (this.#damages.length === 0 && !sameBytes(this.#hash.toBytes(), file.meta.hash)) {
      this.#found(new CorruptionError(`${file.path}: the hash over all entries does not fit them`));
    }
    return false;
  }

  /** The log from its first entry on. */
  async log(): Promise<void> {
    const { log } = this.#parts;
    try {
      for await (const page of log.read(log.firstIndex, log.last.index)) {
        this.#logEntries += page.length;
      }
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#found(error);
    }
  }

  async #leaf(file: StateFile, cursor: string): Promise<string | undefined> {
    let leaf: Leaf;
    try {
      leaf = await file.leafOnDisk(cursor);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#found(error);
      return await this.#past(file, cursor);
    }
    // After a rewrite a leaf may begin before the cursor: what was seen is not counted twice.
    for (let i = positionIn(leaf, cursor); i < leaf.keys.length; i++) {
      await this.#entry(file, leaf, i);
    }
    return leaf.high;
  }

  /** Where the walk goes on behind a damaged leaf. */
  async #past(file: StateFile, cursor: string): Promise<string | undefined> {
    try {
      return await file.nextLow(cursor);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#found(error);
      return undefined;
    }
  }

  async #entry(file: StateFile, leaf: Leaf, position: number): Promise<void> {
    this.#entries += 1;
    try {
      const value = await file.value(leaf, position);
      this.#hash.add(entryDigest(file.sha256, leaf.keys[position] ?? "", value));
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#found(error);
    }
  }

  #follow(key: string, before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    if (this.#cursor !== undefined && compareKeys(key, this.#cursor) >= 0) return;
    if (before !== undefined) this.#hash.remove(before);
    if (after !== undefined) this.#hash.add(after);
  }

  #found(error: CorruptionError): void {
    this.#damages.push(error);
    this.#options.onDamage?.(error);
  }
}
