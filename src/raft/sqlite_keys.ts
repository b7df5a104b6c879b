/**
 * Keys as denokv_sqlite 0.14 lays them: tuples in the encoding of FoundationDB. Byte strings lie as
 * they are, and are told by their encoding.
 */
import { type Bytes, concat, fromUtf8 } from "../base/bytes.ts";
import type { KvKey } from "./disk.ts";

/** What the column `v_encoding` says of a byte string. */
export const BYTE_STRING_ENCODING = 3;

const STRING = 0x02;
const DOUBLE = 0x21;
const encoder = new TextEncoder();

export function encodeKey(key: KvKey): Bytes {
  return concat(
    ...key.map((part) => typeof part === "string" ? encodeText(part) : encodeNumber(part)),
  );
}

/** A zero byte is followed by 0xff, and one that is not ends the text. */
export function encodeText(text: string): Bytes {
  const plain = encoder.encode(text);
  const out = [STRING];
  for (const byte of plain) byte === 0 ? out.push(0, 0xff) : out.push(byte);
  out.push(0);
  return new Uint8Array(out);
}

/** Of numbers that are not negative: the sign bit is turned, so that they sort as bytes do. */
function encodeNumber(value: number): Bytes {
  const out = new Uint8Array(9);
  out[0] = DOUBLE;
  new DataView(out.buffer).setFloat64(1, value);
  out[1] = (out[1] ?? 0) | 0x80;
  return out;
}

/** The text that is a key's last part and begins at `start`; undefined where none does. */
export function decodeText(key: Uint8Array, start: number): string | undefined {
  if (key[start] !== STRING) return undefined;
  const encoded = key.subarray(start + 1, key.length - 1);
  if (!encoded.includes(0)) return decode(encoded);
  const plain: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    plain.push(encoded[i] ?? 0);
    if (encoded[i] === 0) i++;
  }
  return decode(new Uint8Array(plain));
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
