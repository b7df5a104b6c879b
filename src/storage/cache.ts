/**
 * Decoded entries that nearly every request needs (its token, its policies), so that they are
 * decrypted and parsed once. Bounded; emptied key by key as changes become visible.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Transaction, Transactions } from "./transaction.ts";

export class EntryCache {
  readonly #entries = new Map<string, unknown>();
  /** Changes so far, so that a value read before a change is not kept after it. */
  #changes = 0;
  /** Answers from here, and those that storage had to give. */
  hits = 0;
  misses = 0;

  constructor(transactions: Transactions, readonly maxEntries: number) {
    transactions.onChange((keys) => {
      this.#changes++;
      for (const key of keys) this.#entries.delete(key);
    });
  }

  /** The decoded value of a key, at once where it is known. A key must always be read with the same `decode`. */
  read<T>(
    transaction: Transaction,
    key: string,
    decode: (bytes: Bytes) => T,
  ): Awaitable<T | undefined> {
    if (!transaction.hasWritten(key)) {
      const found = this.#entries.get(key);
      if (found !== undefined) {
        this.hits++;
        transaction.noteRead(key);
        return found as T;
      }
    }
    this.misses++;
    return this.#load(transaction, key, decode);
  }

  async #load<T>(
    transaction: Transaction,
    key: string,
    decode: (bytes: Bytes) => T,
  ): Promise<T | undefined> {
    const before = this.#changes;
    const bytes = await transaction.get(key);
    if (bytes === undefined) return undefined;
    const decoded = decode(bytes);
    if (before === this.#changes && !transaction.hasWritten(key)) this.#keep(key, decoded);
    return decoded;
  }

  /** Forgets everything, for instance when the node seals. */
  clear(): void {
    this.#changes++;
    this.#entries.clear();
  }

  #keep(key: string, value: unknown): void {
    if (this.#entries.size >= this.maxEntries) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, value);
  }
}
