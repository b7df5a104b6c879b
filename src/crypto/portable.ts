/** The provider over node:crypto, for systems without OpenSSL 3. Slower, otherwise the same. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  timingSafeEqual,
} from "node:crypto";
import { type Bytes, wipe } from "../base/bytes.ts";
import { checkChachaKey, checkGcmKey, checkGcmNonce, NONCE_LENGTH, TAG_LENGTH } from "./gcm.ts";
import { HASH_LENGTHS } from "./hashes.ts";
import { hkdfOver } from "./hkdf.ts";
import { portableKeys } from "./portable_keys.ts";
import {
  type AeadKey,
  type CryptoProvider,
  DecryptError,
  type GcmKey,
  type HashName,
  type HmacKey,
} from "./provider.ts";

type CipherName = "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305";

/** Always there. */
export function portableProvider(): CryptoProvider {
  const hmacKey = (name: HashName, key: Uint8Array): HmacKey => new PortableHmacKey(name, key);
  return {
    name: "portable",
    hash: (name, data) => copied(createHash(name).update(data).digest(), HASH_LENGTHS[name]),
    hmacKey,
    gcmKey,
    chachaKey,
    keys: portableKeys,
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
    hkdf: (hash, key, salt, info, length) => hkdfOver(hmacKey, hash, { key, salt, info, length }),
  };
}

/** node:crypto answers with Buffers, which may be slices of a shared pool. */
function copied(from: Uint8Array, length: number): Bytes {
  const out = new Uint8Array(length);
  out.set(from);
  return out;
}

class PortableHmacKey implements HmacKey {
  #key: Bytes | undefined;

  constructor(readonly hash: HashName, key: Uint8Array) {
    this.#key = new Uint8Array(key);
  }

  sign(data: Uint8Array): Bytes {
    if (this.#key === undefined) throw new Error("the key was destroyed");
    const made = createHmac(this.hash, this.#key).update(data).digest();
    return copied(made, HASH_LENGTHS[this.hash]);
  }

  destroy(): void {
    wipe(this.#key);
    this.#key = undefined;
  }
}

function gcmKey(key: Uint8Array): GcmKey {
  checkGcmKey(key);
  // Deno's node:crypto has no AES-192-GCM.
  if (key.length === 24) throw new RangeError("AES-192-GCM needs OpenSSL");
  return new PortableAeadKey(key.length === 16 ? "aes-128-gcm" : "aes-256-gcm", key);
}

function chachaKey(key: Uint8Array): AeadKey {
  checkChachaKey(key);
  return new PortableAeadKey("chacha20-poly1305", key);
}

const withTag = { authTagLength: TAG_LENGTH };

function cipherOf(name: CipherName, key: Uint8Array, nonce: Uint8Array) {
  return name === "chacha20-poly1305"
    ? createCipheriv(name, key, nonce, withTag)
    : createCipheriv(name, key, nonce);
}

function decipherOf(name: CipherName, key: Uint8Array, nonce: Uint8Array) {
  return name === "chacha20-poly1305"
    ? createDecipheriv(name, key, nonce, withTag)
    : createDecipheriv(name, key, nonce);
}

class PortableAeadKey implements GcmKey {
  readonly nonceLength = NONCE_LENGTH;
  readonly #cipher: CipherName;
  #key: Bytes | undefined;

  constructor(cipher: CipherName, key: Uint8Array) {
    this.#cipher = cipher;
    this.#key = new Uint8Array(key);
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Bytes {
    checkGcmNonce(nonce);
    const out = new Uint8Array(plaintext.length + TAG_LENGTH);
    this.#encrypt(nonce, plaintext, associatedData, out);
    return out;
  }

  open(nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Bytes {
    checkGcmNonce(nonce);
    if (sealed.length < TAG_LENGTH) throw new DecryptError("too short");
    if (this.#key === undefined) throw new Error("the key was destroyed");
    const length = sealed.length - TAG_LENGTH;
    const decipher = decipherOf(this.#cipher, this.#key, nonce);
    decipher.setAAD(associatedData, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    const out = copied(decipher.update(sealed.subarray(0, length)), length);
    try {
      decipher.final();
    } catch (cause) {
      wipe(out);
      throw new DecryptError("message authentication failed", { cause });
    }
    return out;
  }

  sealFrame(
    frame: Bytes,
    start: number,
    plaintext: Uint8Array,
    data: Uint8Array,
    dataLength: number,
  ): void {
    const body = start + NONCE_LENGTH;
    const nonce = frame.subarray(start, body);
    this.#encrypt(nonce, plaintext, data.subarray(0, dataLength), frame.subarray(body));
  }

  openFrame(frame: Bytes, start: number, data: Uint8Array, dataLength: number): Bytes {
    const body = start + NONCE_LENGTH;
    if (frame.length < body + TAG_LENGTH) throw new DecryptError("too short");
    return this.open(
      frame.subarray(start, body),
      frame.subarray(body),
      data.subarray(0, dataLength),
    );
  }

  #encrypt(nonce: Uint8Array, plaintext: Uint8Array, data: Uint8Array, out: Bytes): void {
    if (this.#key === undefined) throw new Error("the key was destroyed");
    const cipher = cipherOf(this.#cipher, this.#key, nonce);
    cipher.setAAD(data, { plaintextLength: plaintext.length });
    out.set(cipher.update(plaintext));
    cipher.final();
    out.set(cipher.getAuthTag(), plaintext.length);
  }

  destroy(): void {
    wipe(this.#key);
    this.#key = undefined;
  }
}
