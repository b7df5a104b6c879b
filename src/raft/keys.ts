/** Which keys and batches can be stored. The same on every backend, so that none surprises. */
import type { Bytes } from "../base/bytes.ts";
import { EntryTooLargeError, InvalidKeyError } from "./errors.ts";

/** Deno KV takes keys of 2,048 bytes; what is left pays for its framing and for ours. */
export const KEY_BYTES_MAX = 1900;

/** Longer than any key that is stored, and short enough to be asked for. */
const SEARCH_BYTES_MAX = KEY_BYTES_MAX + 50;

/**
 * A key to search by: the key itself, or so much of it that it lies at the same place among all
 * keys that can be stored. Deno KV refuses to search for longer ones.
 */
export function searchKey(key: string): string {
  if (key.length * 3 <= SEARCH_BYTES_MAX) return key;
  let bytes = 0;
  let length = 0;
  for (const character of key) {
    const code = character.codePointAt(0) ?? 0;
    // A NUL takes two bytes in the form Deno KV keeps.
    bytes += code === 0 ? 2 : code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > SEARCH_BYTES_MAX) return key.slice(0, length);
    length += character.length;
  }
  return key;
}

/** One change of a batch: a put, or a delete where the value is null. */
export interface Change {
  readonly key: string;
  readonly value: Bytes | null;
}

export interface SizeLimits {
  /** Bytes of one value. */
  readonly maxEntrySize: number;
  /** Bytes of all keys and values of one batch. */
  readonly maxTransactionSize: number;
}

export const DEFAULT_LIMITS: SizeLimits = {
  maxEntrySize: 1024 * 1024,
  maxTransactionSize: 8 * 1024 * 1024,
};

/** For what has been stored: an operator may have lowered the limits since, or on one node. */
export const NO_LIMITS: SizeLimits = { maxEntrySize: Infinity, maxTransactionSize: Infinity };

const encoder = new TextEncoder();
const scratch = new Uint8Array(KEY_BYTES_MAX + 4);

/** Bytes of a key in UTF-8. Throws `InvalidKeyError` for a key that can't be stored. */
export function checkKey(key: string): number {
  if (key === "") throw new InvalidKeyError("a key must not be empty");
  if (key.endsWith("/")) throw new InvalidKeyError(`the key "${shown(key)}" ends in "/"`);
  if (key.length <= KEY_BYTES_MAX && isPlain(key)) return key.length;
  if (!key.isWellFormed()) throw new InvalidKeyError("a key holds half a surrogate pair");
  const { read, written } = encoder.encodeInto(key, scratch);
  // A NUL takes two bytes in the form Deno KV keeps.
  const length = key.includes("\0") ? written + key.split("\0").length - 1 : written;
  if (read < key.length || length > KEY_BYTES_MAX) {
    throw new InvalidKeyError(
      `the key "${shown(key)}" is over the limit of ${KEY_BYTES_MAX} bytes`,
    );
  }
  return written;
}

/** Whether it is ASCII and holds no NUL, as nearly all are: then a unit is a byte, here and there. */
function isPlain(key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit === 0 || unit >= 0x80) return false;
  }
  return true;
}

/**
 * Bytes of all keys and values of a batch. Throws `EntryTooLargeError` naming the key and both
 * sizes, or `InvalidKeyError`.
 */
export function checkBatch(batch: readonly Change[], limits: SizeLimits): number {
  let total = 0;
  for (const { key, value } of batch) {
    const length = value === null ? 0 : value.length;
    total += checkKey(key) + length;
    if (length > limits.maxEntrySize) {
      throw new EntryTooLargeError(
        `the value of "${shown(key)}" has ${length} bytes, max_entry_size is ` +
          `${limits.maxEntrySize}`,
      );
    }
  }
  if (total > limits.maxTransactionSize) {
    throw new EntryTooLargeError(
      `a batch of ${batch.length} changes, the first to "${shown(batch[0]?.key ?? "")}", has ` +
        `${total} bytes, max_transaction_size is ${limits.maxTransactionSize}`,
    );
  }
  return total;
}

function shown(key: string): string {
  return key.length > 100 ? `${key.slice(0, 100)}…` : key;
}
