/**
 * The applied state: the memtable in use, the one that is being flushed, the state file, and a
 * cache of entries over all three. Whoever applies keeps the cache coherent, so a hit is final.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import { compareKeys, pastFolder, pastPrefix } from "./key_order.ts";
import type { Change } from "./keys.ts";
import { nameIn, type NameOptions, scanRange, walkStart } from "./folder_walk.ts";
import { isExternal, positionIn } from "./leaf.ts";
import { Memtable } from "./memtable.ts";
import { ReadCache } from "./read_cache.ts";
import type { StateFile } from "./state_file.ts";
import { StateView } from "./state_view.ts";

export interface StoredEntry {
  readonly key: string;
  readonly value: Bytes;
}

/** Keys that changed, or undefined where everything may have. */
export type AppliedListener = (keys: readonly string[] | undefined) => void;

const NOTHING: Bytes = new Uint8Array(0);

export class State {
  readonly cache: ReadCache;
  /** Told of what is applied, in order, before anybody who waits for it goes on. */
  readonly followers = new Set<AppliedListener>();
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

  #read(key: string): Awaitable<Bytes | undefined> {
    const leaf = this.#file.leafFor(key);
    const at = positionIn(leaf, key);
    const slot = leaf.keys[at] === key ? leaf.slots[at] : undefined;
    if (slot !== undefined && isExternal(slot)) return this.#readOuter(key);
    const value = slot?.slice();
    this.cache.set(key, value ?? null);
    return value;
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#active.apply(change);
      // What is gone is seldom asked for again, and takes no place from what is.
      if (change.value === null) this.cache.delete(change.key);
      else this.cache.set(change.key, change.value);
    }
    if (this.followers.size === 0) return;
    const keys = changes.map(({ key }) => key);
    for (const follower of this.followers) follower(keys);
  }

  async list(prefix: string, options: NameOptions = {}): Promise<string[]> {
    const limit = options.limit ?? Infinity;
    const names: string[] = [];
    if (limit <= 0) return names;
    const view = this.view();
    const end = pastPrefix(prefix);
    const takeValue = (key: string): boolean => {
      if (names.length >= limit || !key.startsWith(prefix)) return false;
      if (key.includes("/", prefix.length)) return false;
      names.push(key.slice(prefix.length));
      return true;
    };
    let found = view.seek(walkStart(prefix, options.after), end);
    for (;;) {
      const key = found instanceof Promise ? await found : found;
      if (key === undefined || !key.startsWith(prefix)) return names;
      const name = nameIn(prefix, key);
      names.push(name);
      const isFolder = name.endsWith("/");
      const last = isFolder ? key : view.run(takeValue) ?? key;
      if (names.length >= limit) return names;
      found = isFolder ? view.seek(pastFolder(prefix + name), end) : view.next(last, end);
    }
  }

  async scan(
    prefix: string,
    options: {
      readonly after?: string;
      readonly before?: string;
      readonly limit: number;
      readonly keysOnly?: boolean;
    },
  ): Promise<StoredEntry[]> {
    const { from, before } = scanRange(prefix, options);
    const end = least(before, pastPrefix(prefix));
    const view = this.view();
    const entries: StoredEntry[] = [];
    if (options.limit <= 0) return entries;
    let found = view.seek(from, end);
    for (;;) {
      const key = found instanceof Promise ? await found : found;
      if (key === undefined || !key.startsWith(prefix)) return entries;
      if (before !== undefined && compareKeys(key, before) >= 0) return entries;
      const here = options.keysOnly ? NOTHING : view.value(key);
      const value = here instanceof Promise ? await here : here;
      if (value !== undefined) entries.push({ key, value });
      if (entries.length >= options.limit) return entries;
      found = view.next(key, end);
    }
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
    const old = this.swapFile(file);
    for (const follower of this.followers) follower(undefined);
    return old;
  }

  #inMemory(key: string): Bytes | null | undefined {
    const active = this.#active.get(key);
    return active === undefined ? this.#frozen?.get(key) : active;
  }

  /** A value that lies outside of its leaf: what is there may change while it is read. */
  async #readOuter(key: string): Promise<Bytes | undefined> {
    for (let attempt = 0;; attempt++) {
      const file = this.#file, epoch = file.epoch;
      const unchanged = () => file === this.#file && epoch === file.epoch;
      try {
        const leaf = file.leafFor(key);
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
