/**
 * AES-GCM and ChaCha20-Poly1305 by libcrypto. Each key keeps two contexts with the expanded key, one a direction, outside
 * the JavaScript heap; OpenSSL wipes them when they are freed. A call allocates only its result.
 */
import type { Bytes } from "../base/bytes.ts";
import { asBuffer, cString, good, type Libcrypto, nonNull } from "./libcrypto.ts";
import { checkChachaKey, checkGcmKey, checkGcmNonce, NONCE_LENGTH, TAG_LENGTH } from "./gcm.ts";
import { type AeadKey, DecryptError, type GcmKey } from "./provider.ts";

const SET_TAG = 17;
const GET_TAG = 16;

/** Scratch space of one thread. Nothing secret stays in it but the tag of the last call. */
const lengthOut = new Uint8Array(4);
const tag = new Uint8Array(TAG_LENGTH);
const nonceAt = new Uint8Array(NONCE_LENGTH);

type Pointer = Deno.PointerObject;

/** Makes such keys; the ciphers are fetched once and live as long as the process. */
export function opensslAead(
  lib: Libcrypto,
): { gcmKey: (key: Uint8Array) => GcmKey; chachaKey: (key: Uint8Array) => AeadKey } {
  const fetch = (name: string) => nonNull(lib.EVP_CIPHER_fetch(null, cString(name), null), name);
  const ciphers = new Map([16, 24, 32].map((length) => [length, fetch(`AES-${length * 8}-GCM`)]));
  let chacha: Pointer | undefined;
  const lost = new FinalizationRegistry<Pointer[]>((contexts) => {
    for (const context of contexts) lib.EVP_CIPHER_CTX_free(context);
  });
  const make = (cipher: Pointer, key: Uint8Array) => {
    const contexts = [newContext(lib, cipher, key, 1), newContext(lib, cipher, key, 0)];
    const made = new OpensslAeadKey(lib, contexts, (self) => lost.unregister(self));
    lost.register(made, contexts, made);
    return made;
  };
  return {
    gcmKey(key) {
      checkGcmKey(key);
      return make(nonNull(ciphers.get(key.length) ?? null, "EVP_CIPHER_fetch"), key);
    },
    chachaKey(key) {
      checkChachaKey(key);
      return make(chacha ??= fetch("ChaCha20-Poly1305"), key);
    },
  };
}

function newContext(lib: Libcrypto, cipher: Pointer, key: Uint8Array, direction: 0 | 1): Pointer {
  const context = nonNull(lib.EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new");
  const done = lib.EVP_CipherInit_ex(context, cipher, null, asBuffer(key), null, direction);
  good(done, "EVP_CipherInit_ex");
  return context;
}

class OpensslAeadKey implements GcmKey {
  readonly nonceLength = NONCE_LENGTH;
  readonly #lib: Libcrypto;
  readonly #onDestroy: (self: OpensslAeadKey) => void;
  #encrypting: Pointer | undefined;
  #decrypting: Pointer | undefined;

  constructor(
    lib: Libcrypto,
    contexts: readonly Pointer[],
    onDestroy: (self: OpensslAeadKey) => void,
  ) {
    this.#lib = lib;
    this.#encrypting = contexts[0];
    this.#decrypting = contexts[1];
    this.#onDestroy = onDestroy;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Bytes {
    checkGcmNonce(nonce);
    const out = new Uint8Array(plaintext.length + TAG_LENGTH);
    this.#encrypt(nonce, plaintext, associatedData, associatedData.length, out);
    out.set(tag, plaintext.length);
    return out;
  }

  open(nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Bytes {
    checkGcmNonce(nonce);
    return this.#decrypt(nonce, sealed, associatedData, associatedData.length);
  }

  sealFrame(
    frame: Bytes,
    start: number,
    plaintext: Uint8Array,
    data: Uint8Array,
    dataLength: number,
  ): void {
    for (let i = 0; i < NONCE_LENGTH; i++) nonceAt[i] = frame[start + i] ?? 0;
    const body = frame.subarray(start + NONCE_LENGTH);
    this.#encrypt(nonceAt, plaintext, data, dataLength, body);
    body.set(tag, plaintext.length);
  }

  openFrame(frame: Bytes, start: number, data: Uint8Array, dataLength: number): Bytes {
    if (frame.length < start + NONCE_LENGTH + TAG_LENGTH) throw new DecryptError("too short");
    for (let i = 0; i < NONCE_LENGTH; i++) nonceAt[i] = frame[start + i] ?? 0;
    return this.#decrypt(nonceAt, frame.subarray(start + NONCE_LENGTH), data, dataLength);
  }

  #encrypt(
    nonce: Uint8Array,
    plaintext: Uint8Array,
    data: Uint8Array,
    dataLength: number,
    out: Bytes,
  ): void {
    const lib = this.#lib;
    const context = alive(this.#encrypting);
    good(lib.EVP_CipherInit_ex(context, null, null, null, asBuffer(nonce), 1), "EVP_CipherInit_ex");
    if (dataLength > 0) {
      const fed = lib.EVP_CipherUpdate(context, null, lengthOut, asBuffer(data), dataLength);
      good(fed, "EVP_CipherUpdate");
    }
    if (plaintext.length > 0) {
      const text = asBuffer(plaintext);
      const fed = lib.EVP_CipherUpdate(context, out, lengthOut, text, plaintext.length);
      good(fed, "EVP_CipherUpdate");
    }
    good(lib.EVP_CipherFinal_ex(context, tag, lengthOut), "EVP_CipherFinal_ex");
    good(lib.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG_LENGTH, tag), "EVP_CIPHER_CTX_ctrl");
  }

  #decrypt(nonce: Uint8Array, sealed: Uint8Array, data: Uint8Array, dataLength: number): Bytes {
    const lib = this.#lib;
    const context = alive(this.#decrypting);
    const length = sealed.length - TAG_LENGTH;
    if (length < 0) throw new DecryptError("too short");
    for (let i = 0; i < TAG_LENGTH; i++) tag[i] = sealed[length + i] ?? 0;
    const out = new Uint8Array(length);
    good(lib.EVP_CipherInit_ex(context, null, null, null, asBuffer(nonce), 0), "EVP_CipherInit_ex");
    if (dataLength > 0) {
      const fed = lib.EVP_CipherUpdate(context, null, lengthOut, asBuffer(data), dataLength);
      good(fed, "EVP_CipherUpdate");
    }
    if (length > 0) {
      const fed = lib.EVP_CipherUpdate(context, out, lengthOut, asBuffer(sealed), length);
      good(fed, "EVP_CipherUpdate");
    }
    good(lib.EVP_CIPHER_CTX_ctrl(context, SET_TAG, TAG_LENGTH, tag), "EVP_CIPHER_CTX_ctrl");
    if (lib.EVP_CipherFinal_ex(context, tag, lengthOut) !== 1) {
      out.fill(0);
      lib.ERR_clear_error();
      throw new DecryptError("message authentication failed");
    }
    return out;
  }

  destroy(): void {
    for (const context of [this.#encrypting, this.#decrypting]) {
      if (context !== undefined) this.#lib.EVP_CIPHER_CTX_free(context);
    }
    this.#encrypting = undefined;
    this.#decrypting = undefined;
    this.#onDestroy(this);
  }
}

function alive(context: Pointer | undefined): Pointer {
  if (context === undefined) throw new Error("the key was destroyed");
  return context;
}
