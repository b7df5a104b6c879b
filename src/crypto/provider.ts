/**
 * Primitives, behind one interface with two providers: OpenSSL's libcrypto by FFI where the system
 * has it, and a portable one over node:crypto. Both pass the same published vectors.
 */
import type { Bytes } from "../base/bytes.ts";
import type { KeyProvider } from "./keys.ts";

export type HashName =
  | "sha1"
  | "sha224"
  | "sha256"
  | "sha384"
  | "sha512"
  | "sha3-224"
  | "sha3-256"
  | "sha3-384"
  | "sha3-512";

/** Authenticated decryption refused: wrong key, wrong associated data, or altered bytes. */
export class DecryptError extends Error {
  override name = "DecryptError";
}

/** Authenticated encryption by a key held ready for use. */
export interface AeadKey {
  /** Bytes of a nonce. */
  readonly nonceLength: number;
  /** Returns ciphertext followed by the 16-byte tag. A nonce is never used twice. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Bytes;
  /** The reverse. Throws `DecryptError`. */
  open(nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Bytes;
  /** Wipes the key. Any later use throws. */
  destroy(): void;
}

/** An AES-GCM key, outside the JavaScript heap where the provider can. */
export interface GcmKey extends AeadKey {
  /**
   * `seal` without a copy: `frame` is the caller's, with the nonce at `start`; ciphertext and tag
   * are written behind it and fill the rest. The associated data are the first `dataLength` bytes
   * of `data`, so that one scratch buffer serves every call.
   */
  sealFrame(
    frame: Bytes,
    start: number,
    plaintext: Uint8Array,
    data: Uint8Array,
    dataLength: number,
  ): void;
  /** The reverse: opens nonce, ciphertext and tag that lie in `frame` from `start` to its end. */
  openFrame(frame: Bytes, start: number, data: Uint8Array, dataLength: number): Bytes;
}

/** An HMAC key held ready for use. */
export interface HmacKey {
  sign(data: Uint8Array): Bytes;
  destroy(): void;
}

export interface CryptoProvider {
  /** "openssl 3.0.17" or "portable"; shown in the log and in sys/host-info. */
  readonly name: string;
  hash(name: HashName, data: Uint8Array): Bytes;
  /** `key` is copied; the caller wipes its own. */
  hmacKey(name: HashName, key: Uint8Array): HmacKey;
  /**
   * `key` is 16, 24 or 32 bytes and is copied; the caller wipes its own. The portable provider
   * lacks AES-192 and throws RangeError.
   */
  gcmKey(key: Uint8Array): GcmKey;
  /** ChaCha20-Poly1305 of RFC 8439. `key` is 32 bytes and is copied; the caller wipes its own. */
  chachaKey(key: Uint8Array): AeadKey;
  /** Compares without telling by its duration where two strings of equal length differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** Key pairs that sign. */
  readonly keys: KeyProvider;
  /** HKDF of RFC 5869. */
  hkdf(hash: HashName, key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Bytes;
}
