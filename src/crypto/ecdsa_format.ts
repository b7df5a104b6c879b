/** The two forms of an ECDSA signature: ASN.1 DER (RFC 3279) and r || s (IEEE P1363, RFC 7518). */
import type { Bytes } from "../base/bytes.ts";
import { integer, sequence } from "./der.ts";
import type { KeyAlgorithm, SignatureOptions } from "./keys.ts";

/** Bytes of r and of s. */
export const COORDINATE_LENGTHS = { p256: 32, p384: 48, p521: 66 } as const;

/** DER to r || s. Undefined where the DER is malformed. */
export function derToP1363(der: Uint8Array, coordinateLength: number): Bytes | undefined {
  const both = readElement(der, 0, 0x30);
  if (both === undefined || both.end !== der.length) return undefined;
  const r = readElement(der, both.start, 0x02);
  const s = r === undefined ? undefined : readElement(der, r.end, 0x02);
  if (r === undefined || s === undefined || s.end !== der.length) return undefined;
  const out = new Uint8Array(2 * coordinateLength);
  for (const [i, { start, end }] of [r, s].entries()) {
    let from = start;
    while (from < end && der[from] === 0) from++;
    if (end - from > coordinateLength) return undefined;
    out.set(der.subarray(from, end), (i + 1) * coordinateLength - (end - from));
  }
  return out;
}

/** r || s to DER. Undefined where the length is wrong. */
export function p1363ToDer(signature: Uint8Array, coordinateLength: number): Bytes | undefined {
  if (signature.length !== 2 * coordinateLength) return undefined;
  const [r, s] = [signature.subarray(0, coordinateLength), signature.subarray(coordinateLength)];
  return sequence(integer(r), integer(s));
}

/** The signature in the form that libraries verify. Undefined where it is malformed. */
export function toLibraryForm(
  signature: Uint8Array,
  algorithm: KeyAlgorithm,
  { format }: SignatureOptions,
): Uint8Array | undefined {
  if (algorithm.type !== "ecdsa" || format !== "p1363") return signature;
  return p1363ToDer(signature, COORDINATE_LENGTHS[algorithm.curve]);
}

/** A signature that a library has made, in the form that was asked for. */
export function fromLibraryForm(
  made: Bytes,
  algorithm: KeyAlgorithm,
  { format }: SignatureOptions,
): Bytes {
  if (algorithm.type !== "ecdsa" || format !== "p1363") return made;
  const converted = derToP1363(made, COORDINATE_LENGTHS[algorithm.curve]);
  if (converted === undefined) throw new RangeError("the signature is malformed");
  return converted;
}

/** A definite-length element; lengths over 255 do not occur here. */
function readElement(
  der: Uint8Array,
  at: number,
  tag: number,
): { start: number; end: number } | undefined {
  if (der[at] !== tag) return undefined;
  const first = der[at + 1] ?? 0x80;
  const long = first === 0x81;
  if (first >= 0x80 && !long) return undefined;
  const start = at + (long ? 3 : 2);
  const end = start + (long ? der[at + 2] ?? 0 : first);
  return end > der.length || end === start ? undefined : { start, end };
}
