/**
 * Shamir's secret sharing over GF(2^8) (Shamir, "How to share a secret", 1979) in the form that
 * Vault's shares have: one byte of y for each byte of the secret, then x as the last byte. The
 * arithmetic is that of the audited package shamir-secret-sharing, which draws its coefficients
 * from the kernel by itself: the one place where randomness is not passed in.
 */
import { combine, split } from "shamir-secret-sharing";
import { type Bytes, fromBase64, fromHex } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";

/** A key share has at least so many bytes, */
const SHARE_LENGTH_MIN = 16;
/** and at most so many: 32 of the key and the x coordinate. */
const SHARE_LENGTH_MAX = 33;

/**
 * Splits a key. With one share the share is a copy of the key itself. Numbers are checked
 * beforehand. The caller wipes the key and the shares.
 */
export async function splitKey(key: Bytes, shares: number, threshold: number): Promise<Bytes[]> {
  if (shares === 1) return [key.slice()];
  return (await split(key, shares, threshold)).map((share) => new Uint8Array(share));
}

/**
 * Combines as many shares as the threshold says. Too few or foreign shares make a wrong key, not an
 * error. Throws a 400 `Failure` where they can't belong together. The caller wipes everything.
 */
export async function combineShares(shares: readonly Bytes[]): Promise<Bytes> {
  const [first] = shares;
  if (first === undefined) throw new RangeError("there are no shares");
  if (shares.length === 1) return first.slice();
  const incompatible = (sentence: string) =>
    badRequest(`invalid key: failed to compute combined key: ${sentence}`);
  if (shares.some((share) => share.length !== first.length)) {
    throw incompatible("all parts must be the same length");
  }
  if (new Set(shares.map((share) => share.at(-1))).size !== shares.length) {
    throw incompatible("duplicate part detected");
  }
  return new Uint8Array(await combine([...shares]));
}

/** Reads a share as people type it, in hexadecimal or base64. Throws a 400 `Failure`. */
export function parseKeyShare(text: string): Bytes {
  const bytes = fromHex(text) ?? fromBase64(text);
  if (bytes === undefined || text === "") {
    throw badRequest("'key' must be a valid hex or base64 string");
  }
  if (bytes.length < SHARE_LENGTH_MIN) {
    throw badRequest(`invalid key: key is shorter than minimum ${SHARE_LENGTH_MIN} bytes`);
  }
  if (bytes.length > SHARE_LENGTH_MAX) {
    throw badRequest(`invalid key: key is longer than maximum ${SHARE_LENGTH_MAX} bytes`);
  }
  return bytes;
}
