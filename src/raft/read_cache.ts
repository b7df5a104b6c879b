/**
 * What was read or written lately, by key; absence too. Two generations instead of a list of
 * uses: what is read again moves to the young one, and when that holds half of the budget the old
 * one is dropped as a whole. A hit costs one look-up in a hash map.
 */
import type { Bytes } from "../base/bytes.ts";

const ENTRY_OVERHEAD_BYTES = 150;

export class ReadCache {
  #young = new Map<string, Bytes | null>();
  #old = new Map<string, Bytes | null>();
  #youngBytes = 0;
  #oldBytes = 0;
  hits = 0;
  misses = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** The value, null where it is known that there is none, undefined where nothing is known. */
  get(key: string): Bytes | null | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.hits += 1;
      return young;
    }
    const old = this.#old.get(key);
    if (old === undefined) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    this.set(key, old);
    return old;
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  set(key: string, value: Bytes | null): void {
    const cost = costOf(key, value);
    if (cost > this.bytesMax / 8) return this.delete(key);
    const young = this.#young.get(key);
    if (young !== undefined) this.#youngBytes -= costOf(key, young);
    else this.#deleteOld(key);
    this.#young.set(key, value);
    this.#youngBytes += cost;
    if (this.#youngBytes > this.bytesMax / 2) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
  }

  delete(key: string): void {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#young.delete(key);
      this.#youngBytes -= costOf(key, young);
    }
    this.#deleteOld(key);
  }

  #deleteOld(key: string): void {
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.#oldBytes -= costOf(key, old);
    }
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
  }
}

function costOf(key: string, value: Bytes | null): number {
  return key.length * 2 + (value?.length ?? 0) + ENTRY_OVERHEAD_BYTES;
}
