/**
 * RSA over node:crypto, for what it does in parts only: signatures of digests (RFC 8017, 9.1 and
 * 9.2), and OAEP.
 */
import {
  constants,
  createHash,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicEncrypt,
  randomFillSync,
  timingSafeEqual,
} from "node:crypto";
import { type Bytes, concat, fromBase64Url } from "../base/bytes.ts";
import { HASH_LENGTHS } from "./hashes.ts";
import { type KeyAlgorithm, requireRsa, type SignatureOptions } from "./keys.ts";
import { DecryptError, type HashName } from "./provider.ts";
import { longestOaep, longestSalt } from "./signable.ts";

/** The last byte of the object identifiers of digests: below 2.16.840.1.101.3.4.2 but for SHA-1. */
const NIST_HASHES: Readonly<Record<Exclude<HashName, "sha1">, number>> = {
  "sha224": 4,
  "sha256": 1,
  "sha384": 2,
  "sha512": 3,
  "sha3-224": 7,
  "sha3-256": 8,
  "sha3-384": 9,
  "sha3-512": 10,
};

/** A signature of a digest; `checkSignable` has passed it. */
export function rsaSignDigest(
  key: KeyObject,
  bits: number,
  digest: Uint8Array,
  options: SignatureOptions,
): Bytes {
  const { hash = "sha256", padding = "pss", prehashed } = options;
  if (padding === "pkcs1v15") {
    const body = prehashed === "raw" ? digest : digestInfo(hash, digest);
    return copied(privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, body));
  }
  const salt = new Uint8Array(options.saltLength ?? HASH_LENGTHS[hash]);
  randomFillSync(salt);
  const encoded = encodePss(digest, salt, bits - 1, hash);
  const whole = new Uint8Array(Math.ceil(bits / 8));
  whole.set(encoded, whole.length - encoded.length);
  // Without padding, decryption is the bare operation of the private key.
  return copied(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, whole));
}

/** Whether it is a signature of this digest. */
export function rsaVerifyDigest(
  key: KeyObject,
  bits: number,
  digest: Uint8Array,
  signature: Uint8Array,
  options: SignatureOptions,
): boolean {
  const { hash = "sha256", padding = "pss", prehashed } = options;
  if (signature.length !== Math.ceil(bits / 8) || !isBelowModulus(signature, key)) return false;
  try {
    // The bare operation: what node:crypto of Deno unpads it does not check in full.
    const found = copied(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature));
    if (padding === "pkcs1v15") {
      const body = prehashed === "raw" ? digest : digestInfo(hash, digest);
      return timingSafeEqual(found, encodePkcs1(body, signature.length));
    }
    const length = Math.ceil((bits - 1) / 8);
    if (found.subarray(0, found.length - length).some((byte) => byte !== 0)) return false;
    const encoded = found.subarray(found.length - length);
    return isPss(encoded, digest, bits - 1, hash, options.saltLength);
  } catch (error) {
    // What node:crypto throws for a number that is too large or a padding that is none.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** The bare operation takes any number; only those below the modulus are signatures. */
function isBelowModulus(signature: Uint8Array, key: KeyObject): boolean {
  const modulus = fromBase64Url(key.export({ format: "jwk" }).n ?? "");
  if (modulus === undefined || modulus.length !== signature.length) return false;
  const at = signature.findIndex((byte, i) => byte !== modulus[i]);
  return at >= 0 && (signature[at] ?? 0) < (modulus[at] ?? 0);
}

function encodePss(digest: Uint8Array, salt: Uint8Array, bits: number, hash: HashName): Bytes {
  const length = Math.ceil(bits / 8);
  const h = hashOf(hash, new Uint8Array(8), digest, salt);
  const block = new Uint8Array(length - h.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  mask(block, h, hash, bits);
  return concat(block, h, new Uint8Array([0xbc]));
}

function isPss(
  encoded: Bytes,
  digest: Uint8Array,
  bits: number,
  hash: HashName,
  saltLength: number | undefined,
): boolean {
  const hashLength = HASH_LENGTHS[hash];
  const bodyLength = encoded.length - hashLength - 1;
  if (longestSalt(bits + 1, hashLength) < 0 || encoded.at(-1) !== 0xbc) return false;
  const h = encoded.subarray(bodyLength, bodyLength + hashLength);
  const block = encoded.slice(0, bodyLength);
  if ((block[0] ?? 0) >> (8 - unusedBits(bits)) !== 0) return false;
  mask(block, h, hash, bits);
  const one = block.findIndex((byte) => byte !== 0);
  if (one < 0 || block[one] !== 1) return false;
  const salt = block.subarray(one + 1);
  if (saltLength !== undefined && salt.length !== saltLength) return false;
  return timingSafeEqual(hashOf(hash, new Uint8Array(8), digest, salt), h);
}

const unusedBits = (bits: number) => 8 * Math.ceil(bits / 8) - bits;

/** Masks a block by MGF1 (RFC 8017, B.2.1) of the seed, and clears the bits that are too many. */
function mask(block: Bytes, seed: Uint8Array, hash: HashName, bits: number): void {
  const length = HASH_LENGTHS[hash];
  for (let i = 0; i * length < block.length; i++) {
    const counter = new Uint8Array([i >> 24, i >> 16, i >> 8, i]);
    hashOf(hash, seed, counter).forEach((byte, j) => {
      const at = i * length + j;
      if (at < block.length) block[at] = (block[at] ?? 0) ^ byte;
    });
  }
  block[0] = (block[0] ?? 0) & (0xff >> unusedBits(bits));
}

function hashOf(hash: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const made = createHash(hash);
  for (const part of parts) made.update(part);
  return made.digest();
}

/** EMSA-PKCS1-v1_5 (RFC 8017, 9.2). */
function encodePkcs1(body: Uint8Array, length: number): Bytes {
  const filling = new Uint8Array(Math.max(0, length - body.length - 3)).fill(0xff);
  return concat(new Uint8Array([0, 1]), filling, new Uint8Array(1), body);
}

/** DigestInfo of RFC 8017, 9.2. */
function digestInfo(hash: HashName, digest: Uint8Array): Bytes {
  const id = hash === "sha1"
    ? [0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a]
    : [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, NIST_HASHES[hash]];
  const algorithm = [0x30, id.length + 2, ...id, 0x05, 0x00];
  const head = [0x30, algorithm.length + digest.length + 2, ...algorithm, 0x04, digest.length];
  return concat(new Uint8Array(head), digest);
}

/** RSA-OAEP under a public key. */
export function encryptOaep(
  key: KeyObject,
  algorithm: KeyAlgorithm,
  data: Uint8Array,
  hash: HashName,
): Bytes {
  const most = longestOaep(requireRsa(algorithm), HASH_LENGTHS[hash]);
  if (data.length > most) throw new RangeError(`this key encrypts at most ${most} bytes`);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return copied(publicEncrypt({ key, padding, oaepHash: hash }, data));
}

/** The reverse. Throws `DecryptError`. */
export function decryptOaep(
  key: KeyObject,
  algorithm: KeyAlgorithm,
  data: Uint8Array,
  hash: HashName,
): Bytes {
  requireRsa(algorithm);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    return copied(privateDecrypt({ key, padding, oaepHash: hash }, data));
  } catch (cause) {
    throw new DecryptError("decryption failed", { cause });
  }
}

/** node:crypto answers with Buffers, which may be slices of a shared pool. */
function copied(from: Uint8Array): Bytes {
  return new Uint8Array(from);
}
