/**
 * A map that is also sorted by key: a hash map for look-ups beside sorted runs of keys. Inserting
 * moves at most one run, so a million keys cost little more each than a thousand.
 */
import { compareKeys, successor } from "./key_order.ts";

const RUN_MAX = 512;

export class OrderedMap<V> {
  readonly #values = new Map<string, V>();
  readonly #runs: string[][] = [];
  /** The run of the last key that came. */
  #insertedIn = 0;
  /** Counts the keys that came and went, for those who remember a place among them. */
  changes = 0;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  set(key: string, value: V): void {
    const before = this.#values.size;
    this.#values.set(key, value);
    if (this.#values.size === before) return;
    this.changes++;
    this.#insert(key);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    this.changes++;
    const at = this.#runFor(key);
    const run = this.#runs[at] ?? [];
    run.splice(lowerBound(run, key), 1);
    if (run.length === 0) this.#runs.splice(at, 1);
    return true;
  }

  clear(): void {
    this.#values.clear();
    this.changes++;
    this.#runs.length = 0;
  }

  /** The least key at or after `from`. */
  ceiling(from: string): string | undefined {
    const found = this.locate(from);
    return found?.run[found.at];
  }

  /** The greatest key at or before `to`. */
  floor(to: string): string | undefined {
    const run = this.#runs[this.#runFor(to)] ?? [];
    const at = lowerBound(run, to);
    return run[at] === to ? to : run[at - 1];
  }

  /** Keys and values from `from` on, in order; may be changed while it is walked. */
  *entries(from = ""): Generator<readonly [string, V]> {
    let key = this.ceiling(from);
    while (key !== undefined) {
      const run = this.#runs[this.#runFor(key)] ?? [];
      // The keys of one run are copied: a splice under the walk would skip or repeat some.
      const rest = run.slice(lowerBound(run, key));
      for (const each of rest) {
        const value = this.#values.get(each);
        if (value !== undefined) yield [each, value];
        key = each;
      }
      key = this.ceiling(`${key}\0`);
    }
  }

  /** For look-ups that mostly go to the next key. */
  cursor(): OrderedCursor<V> {
    return new OrderedCursor(this);
  }

  /** For cursors: the run that holds the least key at or after `from`, and where in it. */
  locate(from: string): { readonly run: readonly string[]; readonly at: number } | undefined {
    for (let i = this.#runFor(from); i < this.#runs.length; i++) {
      const run = this.#runs[i] ?? [];
      const at = lowerBound(run, from);
      if (at < run.length) return { run, at };
    }
    return undefined;
  }

  #insert(key: string): void {
    const at = this.#isInRun(this.#insertedIn, key) ? this.#insertedIn : this.#runFor(key);
    const run = this.#runs[at];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    this.#insertedIn = at;
    const last = run[run.length - 1];
    if (last !== undefined && compareKeys(key, last) > 0) run.push(key);
    else run.splice(lowerBound(run, key), 0, key);
    if (run.length > RUN_MAX) this.#runs.splice(at + 1, 0, run.splice(RUN_MAX >> 1));
  }

  /** Whether a key belongs into this run: who inserts in order goes on where he was. */
  #isInRun(at: number, key: string): boolean {
    const first = this.#runs[at]?.[0];
    if (first === undefined || compareKeys(first, key) > 0) return false;
    const next = this.#runs[at + 1]?.[0];
    return next === undefined || compareKeys(key, next) < 0;
  }

  /** The last run that starts at or before `key`, or the first run. */
  #runFor(key: string): number {
    let low = 0, high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const first = this.#runs[middle]?.[0];
      if (first !== undefined && compareKeys(first, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** A walk that remembers where it was. It sees what changes in the map meanwhile. */
export class OrderedCursor<V> {
  readonly #map: OrderedMap<V>;
  #changes = -1;
  /** No key of the map lies from here up to what was found. */
  #from = "";
  #run: readonly string[] = [];
  #at = 0;

  constructor(map: OrderedMap<V>) {
    this.#map = map;
  }

  /** The least key at or after `from`. */
  ceiling(from: string): string | undefined {
    const found = this.#run[this.#at];
    if (this.#isCurrent && compareKeys(this.#from, from) <= 0) {
      if (found === undefined || compareKeys(from, found) <= 0) return found;
    }
    return this.#find(from);
  }

  /** The least key after `key`. */
  next(key: string): string | undefined {
    if (this.#isCurrent && this.#run[this.#at] === key) {
      const next = this.#run[this.#at + 1];
      if (next !== undefined) {
        this.#from = next;
        this.#at++;
        return next;
      }
    }
    const found = this.ceiling(key);
    return found === key ? this.#find(successor(key)) : found;
  }

  get #isCurrent(): boolean {
    return this.#changes === this.#map.changes;
  }

  #find(from: string): string | undefined {
    const { run, at } = this.#map.locate(from) ?? { run: [], at: 0 };
    this.#changes = this.#map.changes;
    this.#from = from;
    this.#run = run;
    this.#at = at;
    return run[at];
  }
}

/** The position of the first element that is not before `key`. */
function lowerBound(run: readonly string[], key: string): number {
  let low = 0, high = run.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const candidate = run[middle];
    if (candidate !== undefined && compareKeys(candidate, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
