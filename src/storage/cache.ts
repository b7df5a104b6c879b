/**
 * Decoded entries that nearly every request needs (its token, its policies), so that they are
 * decrypted and parsed once. Bounded; emptied key by key as changes become visible.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Transaction, Transactions } from "./transaction.ts";

/** Absences that are remembered at once. */
const absentMax = 1024;

export class EntryCache {
  readonly #entries = new Map<string, unknown>();
  /**
   * Keys at which there is nothing: settings that were never changed, mostly. On their own, so that
   * who guesses names pushes out no entry.
   */
  readonly #absent = new Set<string>();
  /** Changes so far, so that a value read before a change is not kept after it. */
  #changes = 0;
  /** Answers from here, and those that storage had to give. */
  hits = 0;
  misses = 0;
  /** Entries and absences that were remembered, and those of them that a change took away. */
  writes = 0;
  deletions = 0;

  constructor(transactions: Transactions, readonly maxEntries: number) {
    transactions.onChange((keys) => {
      this.#changes++;
      for (const key of keys) {
        if (this.#entries.delete(key)) this.deletions++;
        if (this.#absent.delete(key)) this.deletions++;
      }
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
      if (this.#absent.has(key)) {
        this.hits++;
        transaction.noteRead(key);
        return undefined;
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
    if (bytes === undefined) {
      if (before === this.#changes && !transaction.hasWritten(key)) this.#keepAbsent(key);
      return undefined;
    }
    const decoded = decode(bytes);
    if (before === this.#changes && !transaction.hasWritten(key)) this.#keep(key, decoded);
    return decoded;
  }

  /**
   * What `value`, which the transaction has put at a key, decodes to: known once it is durable. Only
   * for keys that nobody puts without having read them in the same transaction, so that no other
   * change of the key can be under way.
   */
  keep(transaction: Transaction, key: string, value: Bytes, decoded: unknown): void {
    transaction.afterCommit(() => {
      if (transaction.hasPut(key, value)) this.#keep(key, decoded);
    });
  }

  /** Forgets everything, for instance when the node seals. */
  clear(): void {
    this.#changes++;
    this.#entries.clear();
    this.#absent.clear();
  }

  #keepAbsent(key: string): void {
    if (this.#absent.size >= absentMax) this.#absent.clear();
    this.writes++;
    this.#absent.add(key);
  }

  #keep(key: string, value: unknown): void {
    if (this.#entries.size >= this.maxEntries) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.writes++;
    this.#entries.set(key, value);
  }
}
