/**
 * The state on disk: one Deno KV file of leaves. Rows: `["m"]` what the file says of itself,
 * `["l", low]` a leaf, `["v", id, n]` the chunks of a value that is too large for its leaf.
 */
import { concat, sameBytes } from "../base/bytes.ts";
import type { Awaitable } from "../base/awaitable.ts";
import { eventLoopTurn } from "../base/turn.ts";
import type { Bytes } from "../base/bytes.ts";
import { entryDigest, type Sha256 } from "./digest.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError, StorageError } from "./errors.ts";
import { successor } from "./key_order.ts";
import { searchKey } from "./keys.ts";
import { CHUNK_BYTES, KvFile, type KvKey, type Mutation, readFailure } from "./kv_file.ts";
import { encodeLeaf, type External, isExternal, type Leaf, leafHolding } from "./leaf.ts";
import { LeafCache } from "./leaf_cache.ts";
import { StateRows } from "./state_rows.ts";
import { decodeMeta, encodeMeta, type StateMeta } from "./state_meta.ts";

export interface StateFileOptions {
  readonly path: string;
  readonly sha256: Sha256;
  /** Budget for decoded leaves. */
  readonly leafCacheBytes: number;
  /** Lets others run in the middle of a long walk; a turn of the event loop where it is absent. */
  readonly turn?: () => Promise<void>;
  /** The real one where it is absent. */
  readonly disk?: Disk;
}

const LEAVES_AHEAD = 16;
const LEAVES_NEXT = 4;
/** Room for two reads ahead. */
const AHEAD_BYTES = 1280 * 1024;
const WALKED_MAX = 4096;
const ID_END = Number.MAX_SAFE_INTEGER;

export class StateFile {
  readonly options: StateFileOptions;
  readonly #file: KvFile;
  readonly #leaves: LeafCache;
  /**
   * What a walk has read ahead. A walk over everything must neither push out what is in use nor leave
   * more garbage than a young one that is collected soon.
   */
  readonly #ahead = new LeafCache(AHEAD_BYTES);
  /** Where leaves start that a walk has come by lately, the oldest first: the second time counts. */
  readonly #walked = new Set<string>();
  #rows: StateRows | undefined;
  #isClosed = false;
  /** Where what was read last ends. */
  #readTo: string | undefined;
  #meta: StateMeta;
  /** Counts commits: a reader that finds it changed may hold a leaf of before. */
  epoch = 0;
  /** Told of every change that a flush makes, before it is committed. */
  onChange:
    | ((key: string, before: Uint8Array | undefined, after: Uint8Array | undefined) => void)
    | undefined;

  private constructor(options: StateFileOptions, file: KvFile, meta: StateMeta) {
    this.options = options;
    this.#file = file;
    this.#meta = meta;
    this.#leaves = new LeafCache(options.leafCacheBytes);
  }

  /** Makes a file that holds nothing. */
  static async create(options: StateFileOptions, meta: StateMeta): Promise<StateFile> {
    const file = await KvFile.open(options.path, options.disk);
    try {
      const { row } = encodeLeaf("", undefined, [], []);
      await file.commit([
        { key: ["l", ""], value: row },
        { key: ["m"], value: encodeMeta(meta) },
      ]);
    } catch (error) {
      file.close();
      throw error;
    }
    return new StateFile(options, file, meta);
  }

  /** Opens a file that must be there. Throws `CorruptionError` naming it. */
  static async open(options: StateFileOptions): Promise<StateFile> {
    const { path, disk = denoDisk } = options;
    if (await disk.kvBytes(path) === 0) throw new CorruptionError(`${path} is missing or empty`);
    const file = await KvFile.open(path, disk);
    try {
      const row = await file.get(["m"]);
      const meta = row === undefined ? undefined : decodeMeta(path, row);
      if (meta === undefined) throw new CorruptionError(`${path}: its first record is damaged`);
      const state = new StateFile(options, file, meta);
      await state.#removeLeftovers();
      return state;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get path(): string {
    return this.options.path;
  }

  get meta(): StateMeta {
    return this.#meta;
  }

  get disk(): Disk {
    return this.options.disk ?? denoDisk;
  }

  get sha256(): Sha256 {
    return this.options.sha256;
  }

  /** The leaf whose range holds `key`, at once. Throws `CorruptionError` naming the key. */
  leafFor(key: string): Leaf {
    return this.#leaves.find(key) ?? this.#ahead.find(key) ?? this.#readLeaf(searchKey(key));
  }

  /** Like `leafFor`, for a walk to the right: the leaves that come next are read with it. */
  leafAhead(low: string): Awaitable<Leaf> {
    return this.#leaves.find(low) ?? this.#ahead.find(low) ?? this.#readAhead(searchKey(low));
  }

  /** Like `leafFor`, always from disk and without a trace in the cache: for the scrub. */
  async leafOnDisk(key: string): Promise<Leaf> {
    const [row] = await this.#file.list({
      start: ["l", ""],
      end: ["l", successor(key)],
      limit: 1,
      reverse: true,
    });
    const low = row?.key[1];
    return leafHolding(this.path, key, typeof low === "string" ? low : undefined, row?.value);
  }

  /** Where the first leaf after `low` starts, by its row alone: to get past a damaged one. */
  async nextLow(low: string): Promise<string | undefined> {
    const range = { start: ["l", successor(low)], end: ["m"], limit: 1 };
    const [row] = await this.#file.list(range);
    return typeof row?.key[1] === "string" ? row.key[1] : undefined;
  }

  /** The bytes of a leaf's slot, a copy of their own. Throws `CorruptionError` naming the key. */
  value(leaf: Leaf, position: number): Awaitable<Bytes> {
    const slot = leaf.slots[position];
    if (slot === undefined) throw new RangeError("no such slot");
    if (!isExternal(slot)) return slot.slice();
    return this.#readExternal(leaf.keys[position] ?? "", slot);
  }

  /** Digests of the leaf's entries from what is on disk, in order. */
  async digests(leaf: Leaf): Promise<Uint8Array[]> {
    const digests: Uint8Array[] = [];
    for (const [i, key] of leaf.keys.entries()) {
      const slot = leaf.slots[i];
      if (slot === undefined) throw new RangeError("no such slot");
      if (isExternal(slot)) {
        // Reading it proves that this is its digest.
        await this.#readExternal(key, slot);
        digests.push(slot.digest);
      } else digests.push(entryDigest(this.sha256, key, slot));
    }
    return digests;
  }

  /** Writes rows that count only once a later `commit` refers to them. */
  async writeAhead(mutations: readonly Mutation[]): Promise<void> {
    await this.#file.commitInParts(mutations);
  }

  /** Replaces leaves and the meta in one commit. */
  async commit(
    leaves: readonly { readonly leaf: Leaf; readonly row: Uint8Array }[],
    removed: readonly KvKey[],
    meta: StateMeta,
  ): Promise<void> {
    const mutations: Mutation[] = removed.map((key) => ({ key, value: null }));
    for (const { leaf, row } of leaves) mutations.push({ key: ["l", leaf.low], value: row });
    mutations.push({ key: ["m"], value: encodeMeta(meta) });
    await this.#file.commit(mutations);
    this.#meta = meta;
    this.epoch += 1;
    for (const key of removed) {
      if (key[0] === "l" && typeof key[1] === "string") this.#drop(key[1]);
    }
    for (const { leaf } of leaves) this.#drop(leaf.low);
  }

  /** Bytes on disk, with the WAL. */
  diskBytes(): Promise<number> {
    return this.disk.kvBytes(this.path);
  }

  /** Closes a file that was replaced once its reads have ended, and removes it. */
  async retire(): Promise<void> {
    this.#closeRows();
    await this.#file.retire();
    await this.disk.removeKv(this.path);
  }

  close(): void {
    // First: the last one to close writes the WAL back, which who only reads can't.
    this.#closeRows();
    this.#file.close();
  }

  /** What a commit under way changes is dropped when that is done, so all that is read may stay. */
  #readLeaf(key: string): Leaf {
    const leaf = this.#read((rows) => rows.leafFor(key));
    this.#leaves.put(leaf);
    const { high } = leaf;
    const followed = leaf.low === this.#readTo;
    this.#readTo = high;
    if (!followed || high === undefined) return leaf;
    // Who has come from one leaf to the next goes on, and several at a time cost half.
    for (const next of this.#read((rows) => rows.ahead(high, LEAVES_NEXT))) {
      this.#ahead.put(next);
      this.#readTo = next.high;
    }
    return leaf;
  }

  /** Reads beside Deno KV, whose one worker would take it behind the commit under way. */
  #read<T>(look: (rows: StateRows) => T): T {
    if (this.#isClosed) throw new StorageError(`${this.path} is closed`);
    try {
      this.#rows ??= new StateRows(this.path, this.disk);
      return look(this.#rows);
    } catch (error) {
      throw readFailure(this.path, error);
    }
  }

  #closeRows(): void {
    this.#isClosed = true;
    this.#rows?.close();
    this.#rows = undefined;
    this.#leaves.clear();
    this.#ahead.clear();
  }

  async #readAhead(low: string): Promise<Leaf> {
    await (this.options.turn ?? eventLoopTurn)();
    // What does not follow is looked at, and complained of, when the walk gets there.
    const leaves = this.#read((rows) => rows.ahead(low, LEAVES_AHEAD));
    for (const leaf of leaves) this.#keepWalked(leaf);
    return leaves[0] ?? this.#readLeaf(low);
  }

  #keepWalked(leaf: Leaf): void {
    if (this.#walked.has(leaf.low)) return this.#leaves.put(leaf);
    this.#ahead.put(leaf);
    this.#walked.add(leaf.low);
    if (this.#walked.size <= WALKED_MAX) return;
    const [oldest] = this.#walked;
    if (oldest !== undefined) this.#walked.delete(oldest);
  }

  #drop(low: string): void {
    this.#leaves.drop(low);
    this.#ahead.drop(low);
  }

  async #readExternal(key: string, { id, bytes, digest }: External): Promise<Bytes> {
    const count = Math.ceil(bytes / CHUNK_BYTES);
    const rows = await this.#file.list({
      start: ["v", id, 0],
      end: ["v", id, count],
      limit: count,
    });
    const value = concat(...rows.map((row) => row.value));
    if (value.length !== bytes || !sameBytes(entryDigest(this.sha256, key, value), digest)) {
      throw new CorruptionError(`${this.path}: the value of "${key}" is damaged (checksum)`);
    }
    return value;
  }

  /** Chunks of a flush that did not end. */
  async #removeLeftovers(): Promise<void> {
    const range = { start: ["v", this.#meta.nextValueId], end: ["v", ID_END], limit: 500 };
    for (;;) {
      const rows = await this.#file.list(range);
      if (rows.length === 0) return;
      const removed: Mutation[] = rows.map(({ key }) => ({
        key: ["v", Number(key[1]), Number(key[2])],
        value: null,
      }));
      await this.#file.commitInParts(removed);
    }
  }
}

export type WrittenRow = Mutation & { readonly value: Uint8Array };

/** The rows of a value outside of its leaf. */
export function externalRows(id: number, value: Uint8Array): WrittenRow[] {
  const rows: WrittenRow[] = [];
  for (let at = 0; at < value.length; at += CHUNK_BYTES) {
    rows.push({ key: ["v", id, at / CHUNK_BYTES], value: value.subarray(at, at + CHUNK_BYTES) });
  }
  return rows;
}

/** The keys of those rows. */
export function externalKeys({ id, bytes }: External): KvKey[] {
  const keys: KvKey[] = [];
  for (let n = 0; n * CHUNK_BYTES < bytes; n++) keys.push(["v", id, n]);
  return keys;
}
