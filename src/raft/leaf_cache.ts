/** Decoded leaves of the state file that were used last, found by any key of their range. */
import { covers, type Leaf } from "./leaf.ts";
import { OrderedMap } from "./ordered_map.ts";

/** What a decoded leaf takes in memory, as a multiple of its row: 1.6 to 2.2, by what it holds. */
const LEAF_OVERHEAD = 2;

export class LeafCache {
  readonly #byLow = new OrderedMap<Leaf>();
  /** In the order of use: a Map keeps the order in which keys were set. */
  readonly #used = new Map<string, Leaf>();
  #bytes = 0;

  constructor(readonly bytesMax: number) {}

  find(key: string): Leaf | undefined {
    const low = this.#byLow.floor(key);
    const leaf = low === undefined ? undefined : this.#byLow.get(low);
    if (leaf === undefined || !covers(leaf, key)) return undefined;
    this.#used.delete(leaf.low);
    this.#used.set(leaf.low, leaf);
    return leaf;
  }

  put(leaf: Leaf): void {
    this.drop(leaf.low);
    this.#byLow.set(leaf.low, leaf);
    this.#used.set(leaf.low, leaf);
    this.#bytes += leaf.bytes * LEAF_OVERHEAD;
    while (this.#bytes > this.bytesMax) {
      const oldest = this.#used.keys().next();
      if (oldest.done) break;
      this.drop(oldest.value);
    }
  }

  drop(low: string): void {
    const leaf = this.#byLow.get(low);
    if (leaf === undefined) return;
    this.#byLow.delete(low);
    this.#used.delete(low);
    this.#bytes -= leaf.bytes * LEAF_OVERHEAD;
  }

  clear(): void {
    this.#byLow.clear();
    this.#used.clear();
    this.#bytes = 0;
  }
}
