/** The digests that every provider has. */
import type { HashName } from "./provider.ts";

/** Lengths of the digests, in bytes (FIPS 180-4, FIPS 202). */
export const HASH_LENGTHS: Readonly<Record<HashName, number>> = {
  "sha1": 20,
  "sha224": 28,
  "sha256": 32,
  "sha384": 48,
  "sha512": 64,
  "sha3-224": 28,
  "sha3-256": 32,
  "sha3-384": 48,
  "sha3-512": 64,
};

/** All of them, in that order. */
export const HASH_NAMES: readonly HashName[] = [
  "sha1",
  "sha224",
  "sha256",
  "sha384",
  "sha512",
  "sha3-224",
  "sha3-256",
  "sha3-384",
  "sha3-512",
];

/** Whether a text names one of them. */
export function isHashName(text: string): text is HashName {
  return Object.hasOwn(HASH_LENGTHS, text);
}
