/** Values that were packed before they were encrypted: a letter in front says how. */
import { gunzipSync } from "node:zlib";
import SnappyJS from "snappyjs";
import { type Bytes, concat } from "../base/bytes.ts";
import { UnreadableError } from "./unreadable.ts";

/** No value is larger, packed or not. */
const maxBytes = 64 * 1024 * 1024;

const letters = { gzip: 0x47, snappy: 0x53, lzw: 0x4c, lz4: 0x34 } as const;

const frameStart = [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59];

/** The value itself; one without such a letter and what has to follow it comes back as it is. */
export function unpack(value: Bytes): Bytes {
  const [letter] = value;
  const rest = value.subarray(1);
  if (letter === letters.gzip && rest[0] === 0x1f && rest[1] === 0x8b) {
    return new Uint8Array(gunzipSync(rest, { maxOutputLength: maxBytes }));
  }
  if (letter === letters.snappy && frameStart.every((byte, i) => rest[i] === byte)) {
    return unframe(rest.subarray(frameStart.length));
  }
  return value;
}

/**
 * Snappy's framed form: chunks of a type, a length in 3 bytes, a checksum in 4. The checksum is not
 * looked at: the barrier has authenticated all of it.
 */
function unframe(framed: Uint8Array): Bytes {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < framed.length;) {
    const [type = 0, low = 0, middle = 0, high = 0] = framed.subarray(at, at + 4);
    const start = at + 4, end = start + low + 0x100 * middle + 0x10000 * high;
    if (end > framed.length) throw new UnreadableError("a packed value is cut short");
    const body = framed.subarray(start + 4, end);
    if (type === 0) parts.push(SnappyJS.uncompress(body, maxBytes));
    else if (type === 1) parts.push(body);
    else if (type < 0x80) throw new UnreadableError("a value is packed in an unknown way");
    at = end;
  }
  return concat(...parts);
}
