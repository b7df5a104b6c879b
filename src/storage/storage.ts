/**
 * The seam between what Holdfast knows and where bytes lie. Keys are `/`-separated UTF-8 paths
 * without a leading slash; values are opaque. Below the barrier every value is ciphertext.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";

/** One change of a batch: a put, or a delete where the value is null. */
export interface Write {
  readonly key: string;
  readonly value: Bytes | null;
}

export interface ListOptions {
  /** Only names strictly after this one, in byte order of their UTF-8 form. */
  readonly after?: string;
  /** At most so many names. */
  readonly limit?: number;
}

export interface ScanOptions {
  /** Only keys strictly after this full key. */
  readonly after?: string;
  /** Only keys strictly before this full key. */
  readonly before?: string;
  /** At most so many entries. */
  readonly limit: number;
  /** Values are not read, and may be empty: for who counts or removes. */
  readonly keysOnly?: boolean;
}

export interface Entry {
  readonly key: string;
  readonly value: Bytes;
}

export interface Storage {
  /**
   * The value, or undefined where there is none. The bytes belong to the storage: read-only.
   * Linearizable: sees every write that was acknowledged before the call.
   * Throws `CorruptionError` rather than return bytes that are not what was written.
   */
  get(key: string): Awaitable<Bytes | undefined>;

  /**
   * The direct children of a folder: names of values, and names of sub-folders with a trailing
   * "/", each once, in byte order. `prefix` is "" or ends in "/".
   */
  list(prefix: string, options?: ListOptions): Awaitable<string[]>;

  /** All entries below `prefix`, at any depth, in byte order of their keys, in pages. */
  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]>;

  /**
   * Makes all changes or none. Resolves when they are durable and visible; the last write to a
   * key in the batch wins. Rejects with `EntryTooLargeError`, `StorageFullError`
   * or `StorageError`; when the outcome is unknown (the node lost its disk or its leadership in
   * between) with `OutcomeUnknownError`.
   */
  write(batch: readonly Write[]): Promise<void>;

  /** Flushes and releases files. Nothing may be called after. */
  close(): Promise<void>;
}

export {
  CorruptionError,
  EntryTooLargeError,
  InvalidKeyError,
  NotLeaderError,
  OutcomeUnknownError,
  ReplacementUnderWayError,
  StorageError,
  StorageFatalError,
  StorageFullError,
  StorageLockedError,
  TooFewNodesError,
} from "../raft/errors.ts";
