/**
 * The applied state: the memtable in use, the one that is being flushed, the state file, and a
 * cache of entries over all three. Whoever applies keeps the cache coherent, so a hit is final.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import { CorruptionError } from "./errors.ts";
import { compareKeys, pastPrefix, successor } from "./key_order.ts";
import type { Change } from "./keys.ts";
import { nameIn, type NameOptions, pastName, scanRange, walkStart } from "./folder_walk.ts";
import { covers, isExternal, type Leaf, positionIn } from "./leaf.ts";
import { Memtable } from "./memtable.ts";
import { ReadCache } from "./read_cache.ts";
import type { StateFile } from "./state_file.ts";

export interface StoredEntry {
  readonly key: string;
  readonly value: Bytes;
}

export class State {
  readonly cache: ReadCache;
  #file: StateFile;
  #active = new Memtable();
  #frozen: Memtable | undefined;
  /** Counts how often everything was replaced. */
  content = 0;

  constructor(file: StateFile, cacheBytes: number) {
    this.#file = file;
    this.cache = new ReadCache(cacheBytes);
  }

  get file(): StateFile {
    return this.#file;
  }

  get active(): Memtable {
    return this.#active;
  }

  get frozen(): Memtable | undefined {
    return this.#frozen;
  }

  /** The value at once where it is in memory; a promise where the file must be asked. */
  get(key: string): Awaitable<Bytes | undefined> {
    const cached = this.cache.get(key);
    const known = cached === undefined ? this.#inMemory(key) : cached;
    if (known === undefined) return this.#read(key);
    return known === null ? undefined : known;
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#active.apply(change);
      this.cache.set(change.key, change.value);
    }
  }

  async list(prefix: string, options: NameOptions = {}): Promise<string[]> {
    const limit = options.limit ?? Infinity;
    const names: string[] = [];
    const view = this.view();
    let from = walkStart(prefix, options.after);
    const end = pastPrefix(prefix);
    while (names.length < limit) {
      const found = view.seek(from, end);
      const key = found instanceof Promise ? await found : found;
      if (key === undefined || !key.startsWith(prefix)) break;
      const name = nameIn(prefix, key);
      names.push(name);
      from = pastName(prefix, name);
    }
    return names;
  }

  async scan(
    prefix: string,
    options: { readonly after?: string; readonly before?: string; readonly limit: number },
  ): Promise<StoredEntry[]> {
    const { from, before } = scanRange(prefix, options);
    const end = least(before, pastPrefix(prefix));
    const view = this.view();
    const entries: StoredEntry[] = [];
    let next = from;
    while (entries.length < options.limit) {
      const found = view.seek(next, end);
      const key = found instanceof Promise ? await found : found;
      if (key === undefined || !key.startsWith(prefix)) break;
      if (before !== undefined && compareKeys(key, before) >= 0) break;
      const value = await view.value(key);
      if (value !== undefined) entries.push({ key, value });
      next = successor(key);
    }
    return entries;
  }

  /** A walk over what is there now; later changes may or may not be seen. */
  view(): StateView {
    const tables = this.#frozen === undefined ? [this.#active] : [this.#active, this.#frozen];
    return new StateView(this, tables);
  }

  /** Sets the memtable aside for a flush. There must be none that is. */
  freeze(): Memtable {
    if (this.#frozen !== undefined) throw new Error("a flush is going on");
    this.#frozen = this.#active;
    this.#active = new Memtable();
    return this.#frozen;
  }

  /** What was set aside is in the file now. */
  dropFrozen(): void {
    this.#frozen = undefined;
  }

  /** Puts a rewritten file of the same content in the place of the old one. */
  swapFile(file: StateFile): StateFile {
    const old = this.#file;
    this.#file = file;
    return old;
  }

  /** Puts a file of other content in the place of everything. */
  replaceAll(file: StateFile): StateFile {
    this.#active = new Memtable();
    this.#frozen = undefined;
    this.cache.clear();
    this.content += 1;
    return this.swapFile(file);
  }

  #inMemory(key: string): Bytes | null | undefined {
    const active = this.#active.get(key);
    return active === undefined ? this.#frozen?.get(key) : active;
  }

  async #read(key: string): Promise<Bytes | undefined> {
    for (let attempt = 0;; attempt++) {
      const file = this.#file, epoch = file.epoch;
      const unchanged = () => file === this.#file && epoch === file.epoch;
      try {
        const leaf = await file.leafFor(key);
        const at = positionIn(leaf, key);
        const value = leaf.keys[at] === key ? await file.value(leaf, at) : undefined;
        // Only what no write and no flush has overtaken may stay.
        if (unchanged() && this.#inMemory(key) === undefined) this.cache.set(key, value ?? null);
        return value;
      } catch (error) {
        if (unchanged() || attempt >= 10) throw error;
      }
    }
  }
}

function least(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareKeys(a, b) < 0 ? a : b;
}

/** Walks the keys of the state in order, memtables over file. */
export class StateView {
  readonly #state: State;
  readonly #tables: readonly Memtable[];
  #leaf: Leaf | undefined;
  #leafEpoch = 0;
  #leafFile: StateFile | undefined;
  /** Where the last step ended in the leaf. */
  #position = 0;

  constructor(state: State, tables: readonly Memtable[]) {
    this.#state = state;
    this.#tables = tables;
  }

  /**
   * The least key at or after `from` that has a value; none is looked for at or after `end`, so that
   * what was deleted beyond a range costs a walk of that range nothing.
   */
  seek(from: string, end?: string): Awaitable<string | undefined> {
    let next = from;
    for (;;) {
      if (end !== undefined && compareKeys(next, end) >= 0) return undefined;
      const leaf = this.#leaf;
      if (leaf === undefined || !covers(leaf, next)) {
        return this.#loadAndSeek(next, end, leaf?.high === next);
      }
      this.#position = this.#positionOf(leaf, next);
      const inFile = leaf.keys[this.#position];
      // Beyond the leaf nothing is known yet: its end is as far as this step may go.
      const bound = inFile ?? leaf.high;
      const key = this.#leastChanged(next, bound) ?? inFile;
      if (key !== undefined) {
        if (!this.#isDeleted(key)) return key;
        next = successor(key);
      } else if (leaf.high === undefined) return undefined;
      else next = leaf.high;
    }
  }

  /** The value of a key that `seek` found; undefined where it was deleted since. */
  value(key: string): Awaitable<Bytes | undefined> {
    for (const table of this.#tables) {
      const value = table.get(key);
      if (value !== undefined) return value ?? undefined;
    }
    const leaf = this.#leaf, file = this.#leafFile;
    if (leaf !== undefined && file === this.#state.file && file?.epoch === this.#leafEpoch) {
      const at = positionIn(leaf, key);
      const slot = leaf.slots[at];
      // The chunks of an outer value may go while they are read; the state knows to look again.
      if (leaf.keys[at] === key && slot !== undefined && !isExternal(slot)) return slot.slice();
    }
    return this.#state.get(key);
  }

  async #loadAndSeek(
    from: string,
    end: string | undefined,
    isWalk: boolean,
  ): Promise<string | undefined> {
    for (let attempt = 0;; attempt++) {
      const file = this.#state.file;
      try {
        this.#leafFile = file;
        this.#leafEpoch = file.epoch;
        this.#leaf = await (isWalk ? file.leafAhead(from) : file.leafFor(from));
        if (!covers(this.#leaf, from)) {
          throw new CorruptionError(`${file.path}: a hole at "${from}"`);
        }
        return await this.seek(from, end);
      } catch (error) {
        // A rewritten file may have been closed under the read.
        if (file === this.#state.file || attempt >= 10) throw error;
      }
    }
  }

  /** A walk mostly goes to the next key, so that is tried before a search. */
  #positionOf(leaf: Leaf, key: string): number {
    const next = leaf.keys[this.#position + 1];
    const here = leaf.keys[this.#position];
    if (
      next !== undefined && here !== undefined && compareKeys(here, key) < 0 &&
      compareKeys(next, key) >= 0
    ) return this.#position + 1;
    return positionIn(leaf, key);
  }

  #leastChanged(from: string, bound: string | undefined): string | undefined {
    let least: string | undefined;
    for (const table of this.#tables) {
      const key = table.ceiling(from);
      if (key === undefined || (bound !== undefined && compareKeys(key, bound) >= 0)) continue;
      if (least === undefined || compareKeys(key, least) < 0) least = key;
    }
    return least;
  }

  #isDeleted(key: string): boolean {
    for (const table of this.#tables) {
      const value = table.get(key);
      if (value !== undefined) return value === null;
    }
    return false;
  }
}
