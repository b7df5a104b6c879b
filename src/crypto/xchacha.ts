/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over a provider's ChaCha20-Poly1305: the first 16
 * bytes of the nonce turn the key into one that is used once. HChaCha20 is @noble/ciphers'.
 */
import { hchacha } from "@noble/ciphers/chacha";
import { type Bytes, wipe } from "../base/bytes.ts";
import { checkChachaKey } from "./gcm.ts";
import type { AeadKey, CryptoProvider } from "./provider.ts";

const NONCE_LENGTH = 24;
const SUBKEY_NONCE_LENGTH = 16;

/** "expand 32-byte k", the constant of the Salsa and ChaCha families. */
const SIGMA = words(new TextEncoder().encode("expand 32-byte k"));

/** `key` is 32 bytes and is copied; the caller wipes its own. */
export function xchachaKey(crypto: Pick<CryptoProvider, "chachaKey">, key: Uint8Array): AeadKey {
  checkChachaKey(key);
  return new XchachaKey(crypto, key);
}

class XchachaKey implements AeadKey {
  readonly nonceLength = NONCE_LENGTH;
  readonly #crypto: Pick<CryptoProvider, "chachaKey">;
  #key: Uint32Array | undefined;

  constructor(crypto: Pick<CryptoProvider, "chachaKey">, key: Uint8Array) {
    this.#crypto = crypto;
    this.#key = words(key);
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Bytes {
    return this.#withSubkey(nonce, (key, rest) => key.seal(rest, plaintext, associatedData));
  }

  open(nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Bytes {
    return this.#withSubkey(nonce, (key, rest) => key.open(rest, sealed, associatedData));
  }

  destroy(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  #withSubkey(nonce: Uint8Array, use: (key: AeadKey, rest: Bytes) => Bytes): Bytes {
    if (this.#key === undefined) throw new Error("the key was destroyed");
    if (nonce.length !== NONCE_LENGTH) {
      throw new RangeError(`a nonce has ${NONCE_LENGTH} bytes, not ${nonce.length}`);
    }
    const subkey = new Uint32Array(8);
    hchacha(SIGMA, this.#key, words(nonce.subarray(0, SUBKEY_NONCE_LENGTH)), subkey);
    const bytes = bytesOf(subkey);
    const key = this.#crypto.chachaKey(bytes);
    subkey.fill(0);
    wipe(bytes);
    try {
      const rest = new Uint8Array(12);
      rest.set(nonce.subarray(SUBKEY_NONCE_LENGTH), 4);
      return use(key, rest);
    } finally {
      key.destroy();
    }
  }
}

/** Little-endian words, in the machine's order. */
function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, true));
}

function bytesOf(from: Uint32Array): Bytes {
  const out = new Uint8Array(from.length * 4);
  const view = new DataView(out.buffer);
  from.forEach((word, i) => view.setUint32(i * 4, word, true));
  return out;
}
