/** Small records under a checksum that also covers what they are, so that none passes for another. */
import { concat, sameBytes, utf8 } from "../base/bytes.ts";
import type { Bytes } from "../base/bytes.ts";
import { checksum, SUM_BYTES } from "./digest.ts";

/** `body` followed by a checksum over `label` and `body`. */
export function sealRecord(label: string, body: Uint8Array): Bytes {
  return concat(body, checksum(utf8(label), body));
}

/** The body of a sealed record; undefined where the checksum does not fit label and body. */
export function openRecord(label: string, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SUM_BYTES) return undefined;
  const body = sealed.subarray(0, sealed.length - SUM_BYTES);
  const sum = sealed.subarray(sealed.length - SUM_BYTES);
  return sameBytes(checksum(utf8(label), body), sum) ? body : undefined;
}
