/**
 * The entries of a snapshot as a `Storage` that only reads, straight from the file they were spooled
 * to. They lie there in the order of their keys, so one key in 64 KiB is remembered and the rest is
 * found by looking: memory grows by a few MB a GB. What is read is as it was stored: ciphertext.
 */
import type { Bytes } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { nameIn, pastName, scanRange, walkStart } from "../raft/folder_walk.ts";
import { compareKeys } from "../raft/key_order.ts";
import { ReadOnlyError } from "../storage/read_only.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "../storage/storage.ts";
import { decodeBlock } from "./entry_codec.ts";
import type { ReadSnapshot } from "./read.ts";

const blockBytes = 64 * 1024;
/** Blocks that are kept decoded: neighbours are mostly asked for one after another. */
const blocksKept = 8;

interface Block {
  /** Its first key. */
  readonly first: string;
  /** Where it begins in the file. */
  readonly at: number;
}

export class StateFile implements Storage {
  readonly #file: Deno.FsFile;
  readonly #blocks: readonly Block[];
  readonly #bytes: number;
  /** Decoded ones by number, the one used last at the end. */
  readonly #kept = new Map<number, readonly Entry[]>();
  /** The file has one position: reads take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(file: Deno.FsFile, blocks: readonly Block[], bytes: number) {
    this.#file = file;
    this.#blocks = blocks;
    this.#bytes = bytes;
  }

  /**
   * Takes over the file of a snapshot that has been checked: it has no name any more, so that nothing
   * is left of it however the process ends. Throws a 400 where its keys are not in order.
   */
  static async open(snapshot: ReadSnapshot): Promise<StateFile> {
    const blocks: Block[] = [];
    let before = "";
    for await (const { key, at } of snapshot.entries()) {
      if (compareKeys(before, key) >= 0) {
        throw badRequest("the snapshot can't be looked at: its entries are not in order");
      }
      before = key;
      const last = blocks.at(-1);
      if (last === undefined || at - last.at >= blockBytes) blocks.push({ first: key, at });
    }
    const file = await Deno.open(snapshot.statePath);
    const { size } = await file.stat();
    await snapshot.dispose();
    return new StateFile(file, blocks, size);
  }

  async get(key: string): Promise<Bytes | undefined> {
    const found = await this.#ceiling(key);
    return found?.key === key ? found.value : undefined;
  }

  async list(prefix: string, options: ListOptions = {}): Promise<string[]> {
    const limit = options.limit ?? Infinity;
    const names: string[] = [];
    let from = walkStart(prefix, options.after);
    while (names.length < limit) {
      const key = (await this.#ceiling(from))?.key;
      if (key === undefined || !key.startsWith(prefix)) break;
      const name = nameIn(prefix, key);
      names.push(name);
      from = pastName(prefix, name);
    }
    return names;
  }

  async scan(prefix: string, options: ScanOptions): Promise<Entry[]> {
    const { from, before } = scanRange(prefix, options);
    const found: Entry[] = [];
    for (let number = this.#blockOf(from); number < this.#blocks.length; number++) {
      for (const entry of await this.#block(number)) {
        if (found.length >= options.limit) return found;
        if (compareKeys(entry.key, from) < 0) continue;
        const isPast = before !== undefined && compareKeys(entry.key, before) >= 0;
        if (isPast || !entry.key.startsWith(prefix)) return found;
        found.push(entry);
      }
    }
    return found;
  }

  write(_batch: readonly Write[]): Promise<void> {
    return Promise.reject(new ReadOnlyError("a snapshot is never written to"));
  }

  /** Whoever reads from now on gets a 400. Harmless where it is closed already. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#kept.clear();
    await this.#turn;
    this.#file.close();
  }

  /** The first entry at or after a key. */
  async #ceiling(from: string): Promise<Entry | undefined> {
    for (let number = this.#blockOf(from); number < this.#blocks.length; number++) {
      const entries = await this.#block(number);
      const found = firstFrom(entries, (entry) => compareKeys(entry.key, from) >= 0);
      if (found < entries.length) return entries[found];
    }
    return undefined;
  }

  /** The number of the block that would hold a key. */
  #blockOf(key: string): number {
    const blocks = this.#blocks;
    const next = firstFrom(blocks, ({ first }) => compareKeys(first, key) > 0);
    return Math.max(0, next - 1);
  }

  async #block(number: number): Promise<readonly Entry[]> {
    const entries = this.#kept.get(number) ?? await this.#inTurn(() => this.#read(number));
    this.#kept.delete(number);
    this.#kept.set(number, entries);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > blocksKept && oldest !== undefined) this.#kept.delete(oldest);
    return entries;
  }

  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => {
      if (this.#isClosed) throw badRequest("the snapshot was unloaded");
      return read();
    });
    this.#turn = done.catch(() => {});
    return done;
  }

  async #read(number: number): Promise<readonly Entry[]> {
    const start = this.#blocks[number]?.at ?? this.#bytes;
    const end = this.#blocks[number + 1]?.at ?? this.#bytes;
    const bytes = new Uint8Array(end - start);
    await this.#file.seek(start, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) {
      const count = await this.#file.read(bytes.subarray(at));
      if (count === null) throw new Error("the spooled snapshot ends early");
      at += count;
    }
    return decodeBlock(bytes);
  }
}

/** The index of the first item that passes a test that all later ones pass too, or their number. */
function firstFrom<T>(items: readonly T[], passes: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && passes(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
