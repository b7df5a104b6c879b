/** The rows of a KV file in memory, in the order of Deno KV, with what undoes the latest commits. */
import type { KvKey, KvRow, Mutation, RowRange } from "../disk.ts";
import { compareKeys } from "../key_order.ts";

export interface Row {
  readonly key: KvKey;
  value: Uint8Array;
}

/** Commits that can be undone. */
const UNDO_MAX = 6;

export class SortedRows {
  #rows: Row[] = [];
  #undo: Mutation[][] = [];
  /** Bytes of all values that were ever written. */
  written = 0;

  get(key: KvKey): Uint8Array | undefined {
    return this.rowOf(key)?.value;
  }

  rowOf(key: KvKey): Row | undefined {
    const row = this.#rows[this.#position(key)];
    return row !== undefined && compare(row.key, key) === 0 ? row : undefined;
  }

  list({ start, end, limit = Infinity, reverse = false }: RowRange): KvRow[] {
    const from = this.#position(start), to = Math.max(from, this.#position(end));
    return reverse
      ? this.#rows.slice(Math.max(from, to - limit), to).reverse()
      : this.#rows.slice(from, Math.min(to, from + limit));
  }

  commit(mutations: readonly Mutation[]): void {
    const undo: Mutation[] = [];
    for (const { key, value } of mutations) {
      undo.unshift({ key, value: this.#put(key, value) });
      this.written += 100 + (value?.length ?? 0);
    }
    this.#undo.push(undo);
    if (this.#undo.length > UNDO_MAX) this.#undo.shift();
  }

  /** Takes back the last commits, as SQLite does behind a bad frame; returns how many it were. */
  takeBack(commits: number): number {
    const taken = this.#undo.splice(Math.max(0, this.#undo.length - commits)).reverse();
    for (const undo of taken) for (const { key, value } of undo) this.#put(key, value);
    return taken.length;
  }

  /** The WAL is written back: nothing of it can be lost any more. */
  checkpoint(): void {
    this.#undo = [];
  }

  /** A row, by its place. */
  at(position: number): Row | undefined {
    return this.#rows[position];
  }

  get size(): number {
    return this.#rows.length;
  }

  clone(): SortedRows {
    const copy = new SortedRows();
    copy.#rows = this.#rows.map(({ key, value }) => ({ key, value }));
    copy.#undo = [...this.#undo];
    copy.written = this.written;
    return copy;
  }

  #put(key: KvKey, value: Uint8Array | null): Uint8Array | null {
    const at = this.#position(key);
    const row = this.#rows[at];
    if (row === undefined || compare(row.key, key) !== 0) {
      if (value !== null) this.#rows.splice(at, 0, { key, value });
      return null;
    }
    if (value === null) this.#rows.splice(at, 1);
    else this.#rows[at] = { key, value };
    return row.value;
  }

  /** Of the first row that is not before `key`. */
  #position(key: KvKey): number {
    let low = 0, high = this.#rows.length;
    // What is asked for is at the end most of the time.
    const last = this.#rows[high - 1];
    if (last === undefined || compare(last.key, key) < 0) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = this.#rows[middle];
      if (row !== undefined && compare(row.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Part by part; texts come before numbers, and what is shorter before what it begins. */
function compare(a: KvKey, b: KvKey): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const one = a[i] ?? "", other = b[i] ?? "";
    if (one === other) continue;
    if (typeof one === "number") return typeof other === "number" ? one - other : 1;
    return typeof other === "number" ? -1 : compareKeys(one, other);
  }
  return a.length - b.length;
}
