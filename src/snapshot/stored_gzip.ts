/**
 * Gzip that compresses nothing (RFC 1951, 3.2.4): its bytes lie in stored blocks, so that what they
 * come to is known beforehand, and a part can be written once what comes after it is known.
 */
import { crc32 } from "node:zlib";
import type { Bytes } from "../base/bytes.ts";

/** No name, no time, of Unix. */
export const gzipHeader: Bytes = new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

const BLOCK_BYTES = 65_535;
const BLOCK_HEADER_BYTES = 5;

/** Bytes that so many take in stored blocks. */
export function storedBytes(length: number): number {
  return length + Math.ceil(length / BLOCK_BYTES) * BLOCK_HEADER_BYTES;
}

interface BlockOptions {
  /** Where they are put if they fit; a new buffer else. */
  readonly into?: Bytes | undefined;
  /** Nothing comes after them; false. */
  readonly isLast?: boolean;
}

/** Puts bytes into stored blocks. There must be some. */
export function storedBlocks(
  bytes: Uint8Array,
  { into, isLast = false }: BlockOptions = {},
): Bytes {
  const size = storedBytes(bytes.length);
  const out = into !== undefined && into.length >= size ? into : new Uint8Array(size);
  let at = 0;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    const { length } = block;
    out[at] = isLast && start + length === bytes.length ? 1 : 0;
    out[at + 1] = length & 0xff;
    out[at + 2] = length >> 8;
    out[at + 3] = ~length & 0xff;
    out[at + 4] = (~length >> 8) & 0xff;
    out.set(block, at + BLOCK_HEADER_BYTES);
    at += BLOCK_HEADER_BYTES + length;
  }
  return out.subarray(0, size);
}

/** The checksum of some bytes in a row, and how many they are. */
export class Crc {
  #sum = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#sum = crc32(bytes, this.#sum);
    this.#length += bytes.length;
  }

  /** What ends a gzip file of these bytes with others before them. */
  trailer(before: Uint8Array): Bytes {
    const out = new Uint8Array(8);
    const view = new DataView(out.buffer);
    view.setUint32(0, combine(crc32(before), this.#sum, this.#length), true);
    view.setUint32(4, (before.length + this.#length) % 2 ** 32, true);
    return out;
  }
}

/** The checksum's polynomial, its lowest power first, and 1. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** The checksum of what has one checksum, and after it so many bytes that have another. */
function combine(first: number, second: number, length: number): number {
  return (times(power(length), first) ^ second) >>> 0;
}

/** The product of two polynomials over two elements, modulo that of the checksum. */
function times(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}

/** x to the power of the bits in so many bytes: what that many zero bytes multiply a checksum by. */
function power(bytes: number): number {
  let result = ONE;
  // x to the eighth.
  let square = ONE >>> 8;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = times(square, result);
    square = times(square, square);
  }
  return result;
}
