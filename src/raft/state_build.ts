/**
 * Builds a state file from the content of a snapshot. That comes in the order of its keys, so the
 * leaves are cut one after another as it comes; of what comes out of order, as from a file that
 * somebody put together, the rest is written as changes are.
 */
import type { Bytes } from "../base/bytes.ts";
import { FairTurns } from "../base/turn.ts";
import { entryDigest, SetHash } from "./digest.ts";
import { denoDisk } from "./deno_disk.ts";
import type { KvKey, RowFill } from "./disk.ts";
import { compareKeys } from "./key_order.ts";
import { checkBatch, type SizeLimits } from "./keys.ts";
import { commitFailure } from "./kv_file.ts";
import { encodeLeaf, INLINE_BYTES_MAX, LEAF_BYTES_MAX, type Slot, slotBytes } from "./leaf.ts";
import { CHAIN_START } from "./log_record.ts";
import { Memtable } from "./memtable.ts";
import type { StoredEntry } from "./state.ts";
import { externalRows, StateFile, type StateFileOptions } from "./state_file.ts";
import { flushChanges } from "./state_flush.ts";
import { encodeMeta } from "./state_meta.ts";
import type { Settings } from "./store_options.ts";

/** Bytes that come out of order and are gathered before they are written. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** Writing is synchronous: others have their turn after so many bytes, about half a millisecond. */
const TURN_BYTES = 128 * 1024;
/** As `leaf_cut.ts` cuts them. */
const LEAF_BYTES = LEAF_BYTES_MAX * 0.75;

/** A new state file that nothing refers to. */
export class StateBuild {
  readonly #options: StateFileOptions;
  readonly #configuration: string;
  readonly #rows: RowFill;

  private constructor(options: StateFileOptions, configuration: string, rows: RowFill) {
    this.#options = options;
    this.#configuration = configuration;
    this.#rows = rows;
  }

  /** Makes the file; there must be none of its name. `fill` must follow. */
  static async begin(options: StateFileOptions, configuration: string): Promise<StateBuild> {
    const { path, disk = denoDisk } = options;
    try {
      return new StateBuild(options, configuration, await disk.fillKv(path));
    } catch (error) {
      throw commitFailure(path, error);
    }
  }

  /**
   * Fills it with entries, in any order; of two for one key the later counts. A value need only
   * stay as it is until the next entry is asked for. Returns the file,
   * durable; where it throws there is nothing to close, and what is there is of no use. `goOn` is
   * called now and then, and throws where it is not wanted any more.
   */
  async fill(
    entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
    settings: SizeLimits & Pick<Settings, "clock" | "turn">,
    goOn: () => void = () => {},
  ): Promise<StateFile> {
    const turns = new FairTurns(settings.clock, settings.turn);
    const run = new Run(this.#options, this.#rows);
    let late: Late | undefined;
    try {
      let bytes = 0;
      for await (const entry of entries) {
        const length = checkBatch([entry], settings);
        if (late === undefined && !run.takes(entry.key)) {
          late = new Late(await this.#end(run), turns);
        }
        if (late === undefined) run.add(entry, length);
        else await late.add(entry);
        bytes += length;
        if (bytes < TURN_BYTES) continue;
        await turns.giveWay();
        goOn();
        bytes = 0;
      }
      return await (late?.end() ?? this.#end(run));
    } catch (error) {
      late?.file.close();
      await this.#rows.abandon();
      throw error;
    }
  }

  async #end(run: Run): Promise<StateFile> {
    run.end(this.#configuration);
    try {
      await this.#rows.finish();
    } catch (error) {
      throw commitFailure(this.#options.path, error);
    }
    return await StateFile.open(this.#options);
  }
}

/** Entries in the order of their keys, on their way into leaves. */
class Run {
  readonly #options: StateFileOptions;
  readonly #rows: RowFill;
  readonly #hash = new SetHash();
  #last = "";
  #entries = 0;
  #bytes = 0;
  #nextValueId = 1;
  /** The leaf that is gathered: where it begins, what is in it, and how large it is. */
  #low = "";
  #keys: string[] = [];
  #slots: Slot[] = [];
  #leafBytes = 0;

  constructor(options: StateFileOptions, rows: RowFill) {
    this.#options = options;
    this.#rows = rows;
  }

  /** Whether a key comes after all that were added. */
  takes(key: string): boolean {
    return compareKeys(this.#last, key) < 0;
  }

  /** `length` is that of key and value together. */
  add({ key, value }: StoredEntry, length: number): void {
    const digest = entryDigest(this.#options.sha256, key, value);
    const slot = this.#slot(value, digest);
    const bytes = slotBytes(key, slot);
    if (this.#leafBytes > 0 && this.#leafBytes + bytes > LEAF_BYTES) this.#cut(key);
    this.#keys.push(key);
    this.#slots.push(slot);
    this.#leafBytes += bytes;
    this.#last = key;
    this.#hash.add(digest);
    this.#entries += 1;
    this.#bytes += length;
  }

  /** Puts what is left, and what the file says of itself. */
  end(configuration: string): void {
    this.#cut(undefined);
    this.#put(
      ["m"],
      encodeMeta({
        applied: CHAIN_START,
        hash: this.#hash.toBytes(),
        entries: this.#entries,
        bytes: this.#bytes,
        nextValueId: this.#nextValueId,
        configuration,
      }),
    );
  }

  #cut(high: string | undefined): void {
    const { row } = encodeLeaf(this.#low, high, this.#keys, this.#slots);
    this.#put(["l", this.#low], row);
    this.#low = high ?? "";
    this.#keys = [];
    this.#slots = [];
    this.#leafBytes = 0;
  }

  #slot(value: Bytes, digest: Uint8Array): Slot {
    if (value.length <= INLINE_BYTES_MAX) return value.slice();
    const id = this.#nextValueId++;
    for (const row of externalRows(id, value)) this.#put(row.key, row.value);
    return { id, bytes: value.length, digest };
  }

  #put(key: KvKey, value: Uint8Array): void {
    try {
      this.#rows.put(key, value);
    } catch (error) {
      throw commitFailure(this.#options.path, error);
    }
  }
}

/** Entries that come after some with greater keys. */
class Late {
  #batch = new Memtable();

  constructor(readonly file: StateFile, readonly turns: FairTurns) {}

  async add({ key, value }: StoredEntry): Promise<void> {
    this.#batch.apply({ key, value: value.slice() });
    if (this.#batch.bytes >= BATCH_BYTES) await this.end();
  }

  /** Writes what was gathered. Returns the file. */
  async end(): Promise<StateFile> {
    const batch = this.#batch;
    this.#batch = new Memtable();
    await flushChanges(this.file, batch.sorted(), this.file.meta, this.turns);
    return this.file;
  }
}
