/**
 * What is used of `@std/crypto`, which only JSR carries: more digests than WebCrypto has, and a
 * comparison in constant time. The crypto room has the primitives of the server itself.
 */
import { createHash, timingSafeEqual as compare } from "node:crypto";

/** Names of digests as `@std/crypto` takes them, and node:crypto's names for them. */
const DIGESTS = {
  "BLAKE2B": "blake2b512",
  "BLAKE2S": "blake2s256",
  "MD5": "md5",
  "RIPEMD-160": "ripemd160",
  "SHA-1": "sha1",
  "SHA-224": "sha224",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
  "SHA3-224": "sha3-224",
  "SHA3-256": "sha3-256",
  "SHA3-384": "sha3-384",
  "SHA3-512": "sha3-512",
} as const;

/** A digest's name. */
export type DigestAlgorithmName = keyof typeof DIGESTS;
/** A digest by its name, or as WebCrypto's objects name it. */
export type DigestAlgorithm = DigestAlgorithmName | { name: DigestAlgorithmName };
/** Bytes, or bytes that come piece by piece. */
export type DigestData = BufferSource | AsyncIterable<BufferSource> | Iterable<BufferSource>;

function bytesOf(data: BufferSource): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function isBuffer(data: DigestData): data is BufferSource {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data);
}

function newHash(algorithm: DigestAlgorithm) {
  const name = typeof algorithm === "string" ? algorithm : algorithm.name;
  const known = DIGESTS[name];
  if (known === undefined) throw new TypeError(`unknown digest ${name}`);
  return createHash(known);
}

function finish(hash: ReturnType<typeof createHash>): ArrayBuffer {
  return new Uint8Array(hash.digest()).buffer;
}

const subtle = globalThis.crypto.subtle;

/** The standard crypto object, with more digests. */
export const crypto = {
  getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto),
  randomUUID: globalThis.crypto.randomUUID.bind(globalThis.crypto),
  subtle: {
    decrypt: subtle.decrypt.bind(subtle),
    deriveBits: subtle.deriveBits.bind(subtle),
    deriveKey: subtle.deriveKey.bind(subtle),
    encrypt: subtle.encrypt.bind(subtle),
    exportKey: subtle.exportKey.bind(subtle),
    generateKey: subtle.generateKey.bind(subtle),
    importKey: subtle.importKey.bind(subtle),
    sign: subtle.sign.bind(subtle),
    verify: subtle.verify.bind(subtle),
    /** The digest of data, whole or in pieces. */
    async digest(algorithm: DigestAlgorithm, data: DigestData): Promise<ArrayBuffer> {
      const hash = newHash(algorithm);
      if (isBuffer(data)) hash.update(bytesOf(data));
      else for await (const piece of data) hash.update(bytesOf(piece));
      return finish(hash);
    },
    /** The same at once. */
    digestSync(
      algorithm: DigestAlgorithm,
      data: BufferSource | Iterable<BufferSource>,
    ): ArrayBuffer {
      const hash = newHash(algorithm);
      if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) hash.update(bytesOf(data));
      else for (const piece of data) hash.update(bytesOf(piece));
      return finish(hash);
    },
  },
};

/** Whether two byte strings are equal, in a time that depends on their length only. */
export function timingSafeEqual(a: BufferSource, b: BufferSource): boolean {
  return a.byteLength === b.byteLength && compare(bytesOf(a), bytesOf(b));
}
