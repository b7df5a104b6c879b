/**
 * A map that is also sorted by key: a hash map for look-ups beside sorted runs of keys. Inserting
 * moves at most one run, so a million keys cost little more each than a thousand.
 */
import { compareKeys } from "./key_order.ts";

const RUN_MAX = 512;

export class OrderedMap<V> {
  readonly #values = new Map<string, V>();
  readonly #runs: string[][] = [];

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
    if (this.#values.size !== before) this.#insert(key);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    const at = this.#runFor(key);
    const run = this.#runs[at] ?? [];
    run.splice(lowerBound(run, key), 1);
    if (run.length === 0) this.#runs.splice(at, 1);
    return true;
  }

  clear(): void {
    this.#values.clear();
    this.#runs.length = 0;
  }

  /** The least key at or after `from`. */
  ceiling(from: string): string | undefined {
    for (let at = this.#runFor(from); at < this.#runs.length; at++) {
      const run = this.#runs[at] ?? [];
      const key = run[lowerBound(run, from)];
      if (key !== undefined) return key;
    }
    return undefined;
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

  #insert(key: string): void {
    const at = this.#runFor(key);
    const run = this.#runs[at];
    if (run === undefined) {
      this.#runs.push([key]);
      return;
    }
    const last = run[run.length - 1];
    if (last !== undefined && compareKeys(key, last) > 0) run.push(key);
    else run.splice(lowerBound(run, key), 0, key);
    if (run.length > RUN_MAX) this.#runs.splice(at + 1, 0, run.splice(RUN_MAX >> 1));
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
