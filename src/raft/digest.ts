/**
 * Checksums. SHA-256 throughout: it costs a few microseconds where an fsync costs hundreds, and
 * misses nothing that a CRC of 32 bits would let pass once in four thousand million times.
 */
import { createHash, type Hash } from "node:crypto";
import type { Bytes } from "../base/bytes.ts";
import { writeText } from "./key_text.ts";

/** SHA-256 of a byte string, 32 bytes. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

export const nodeSha256: Sha256 = (data) => digestOf(createHash("sha256").update(data));

/** By way of text: the buffer that Deno would make of it takes almost as long as a short hash does. */
function digestOf(hash: Hash): Bytes {
  return Uint8Array.fromHex(hash.digest("hex"));
}

/** Length of the checksums kept beside stored bytes. */
export const SUM_BYTES = 16;

/** The checksum of some bytes, given in parts: the first half of their SHA-256. */
export function checksum(...parts: readonly Uint8Array[]): Uint8Array {
  const sha256 = createHash("sha256");
  for (const part of parts) sha256.update(part);
  return digestOf(sha256).subarray(0, SUM_BYTES);
}

const WORDS = 8;
let scratch = new Uint8Array(4096);

/** The checksum of some bytes under a label; the label's length is part of it. */
export function labelledSum(label: string, body: Uint8Array): Uint8Array {
  return entryDigest(nodeSha256, label, body).subarray(0, SUM_BYTES);
}

/** SHA-256 of a key with its value; the key's length is part of it, so that nothing can shift. */
export function entryDigest(sha256: Sha256, key: string, value: Uint8Array): Uint8Array {
  const need = 4 + key.length * 3 + value.length;
  if (need > scratch.length) scratch = new Uint8Array(need * 2);
  const written = writeText(scratch, 4, key);
  scratch[0] = written >>> 24;
  scratch[1] = written >>> 16;
  scratch[2] = written >>> 8;
  scratch[3] = written;
  scratch.set(value, 4 + written);
  const digest = sha256(scratch.subarray(0, 4 + written + value.length));
  if (scratch.length > 4 * 1024 * 1024) scratch = new Uint8Array(4096);
  return digest;
}

/**
 * A hash over a set of entries that follows additions and removals one at a time, in any order:
 * the sum of the entries' SHA-256 modulo 2^256 (AdHash, Bellare and Micciancio 1997). It finds
 * what rotted or diverged; it is no defence against somebody who chooses the entries.
 */
export class SetHash {
  readonly #words = new Uint32Array(WORDS);

  static fromBytes(bytes: Uint8Array): SetHash {
    const hash = new SetHash();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < WORDS; i++) hash.#words[i] = view.getUint32(i * 4);
    return hash;
  }

  add(digest: Uint8Array): void {
    let carry = 0;
    for (let i = WORDS - 1; i >= 0; i--) {
      const sum = (this.#words[i] ?? 0) + word(digest, i) + carry;
      this.#words[i] = sum;
      carry = sum > 0xffffffff ? 1 : 0;
    }
  }

  remove(digest: Uint8Array): void {
    let borrow = 0;
    for (let i = WORDS - 1; i >= 0; i--) {
      const difference = (this.#words[i] ?? 0) - word(digest, i) - borrow;
      this.#words[i] = difference;
      borrow = difference < 0 ? 1 : 0;
    }
  }

  toBytes(): Bytes {
    const bytes = new Uint8Array(WORDS * 4);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < WORDS; i++) view.setUint32(i * 4, this.#words[i] ?? 0);
    return bytes;
  }

  copy(): SetHash {
    return SetHash.fromBytes(this.toBytes());
  }
}

function word(digest: Uint8Array, i: number): number {
  const at = i * 4;
  return (((digest[at] ?? 0) << 24) | ((digest[at + 1] ?? 0) << 16) |
    ((digest[at + 2] ?? 0) << 8) | (digest[at + 3] ?? 0)) >>> 0;
}
