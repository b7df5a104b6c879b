/** What a key can sign: checked before a library is asked, so that its refusals are bugs. */
import { HASH_LENGTHS } from "./hashes.ts";
import type { KeyAlgorithm, SignatureOptions } from "./keys.ts";

/** Bytes that PKCS #1 v1.5 adds at least (RFC 8017, 9.2). */
const PKCS1_OVERHEAD = 11;

/** The longest salt of a PSS signature (RFC 8017, 9.1.1), in bytes; negative where none fits. */
export function longestSalt(bits: number, hashLength: number): number {
  return Math.ceil((bits - 1) / 8) - hashLength - 2;
}

/** Throws RangeError where the digest or the salt does not fit key and options. */
export function checkSignable(
  algorithm: KeyAlgorithm,
  data: Uint8Array,
  options: SignatureOptions,
): void {
  const { hash = "sha256", prehashed = false, padding = "pss" } = options;
  if (algorithm.type !== "rsa") return;
  const length = HASH_LENGTHS[hash];
  if (prehashed === "raw") {
    if (padding !== "pkcs1v15") throw new RangeError("only PKCS #1 v1.5 signs without a digest");
    const most = Math.ceil(algorithm.bits / 8) - PKCS1_OVERHEAD;
    if (data.length > most) throw new RangeError(`at most ${most} bytes can be signed as they are`);
    return;
  }
  if (prehashed && data.length !== length) {
    throw new RangeError(`a digest of ${hash} has ${length} bytes, not ${data.length}`);
  }
  if (padding === "pss") {
    const most = longestSalt(algorithm.bits, length);
    const salt = options.saltLength ?? length;
    if (salt < 0 || salt > most) throw new RangeError(`a salt has 0 to ${most} bytes, not ${salt}`);
  }
}

/** The most bytes that RSA-OAEP takes (RFC 8017, 7.1.1). */
export function longestOaep(bits: number, hashLength: number): number {
  return Math.ceil(bits / 8) - 2 * hashLength - 2;
}
