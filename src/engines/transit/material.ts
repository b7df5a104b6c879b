/** The secrets of one version of a key, ready for use until they are destroyed. */
import { type Bytes, fromBase64, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { SigningKey, VerifyingKey } from "../../crypto/keys.ts";
import type { AeadKey, CryptoProvider, HashName, HmacKey } from "../../crypto/provider.ts";
import { xchachaKey } from "../../crypto/xchacha.ts";
import type { KeyTypeName } from "./key_types.ts";
import type { KeyVersion } from "./policy.ts";

export class Material {
  readonly #crypto: CryptoProvider;
  readonly #type: KeyTypeName;
  readonly #key: Bytes | undefined;
  readonly #hmacKey: Bytes;
  readonly #publicKey: Bytes | undefined;
  readonly #hmacs = new Map<HashName, HmacKey>();
  #isDestroyed = false;
  #cipher: AeadKey | undefined;
  #signing: SigningKey | undefined;
  #verifying: VerifyingKey | undefined;
  readonly convergentVersion: number;

  constructor(crypto: CryptoProvider, type: KeyTypeName, version: KeyVersion) {
    this.#crypto = crypto;
    this.#type = type;
    this.#key = decoded(version.key);
    this.#hmacKey = decoded(version.hmacKey) ?? new Uint8Array();
    this.#publicKey = decoded(version.publicKey);
    this.convergentVersion = version.convergentVersion;
  }

  /** The symmetric key itself, or a pair's PKCS #8. Not the caller's to change or keep. */
  get secret(): Bytes {
    this.#requireAlive();
    if (this.#key !== undefined) return this.#key;
    throw badRequest("only the public half of this key version is known");
  }

  /** The cipher, where the key is not derived. */
  cipher(): AeadKey {
    return this.#cipher ??= makeCipher(this.#crypto, this.#type, this.secret);
  }

  hmac(hash: HashName): HmacKey {
    this.#requireAlive();
    let made = this.#hmacs.get(hash);
    if (made === undefined) {
      made = this.#crypto.hmacKey(hash, this.#hmacKey);
      this.#hmacs.set(hash, made);
    }
    return made;
  }

  signing(): SigningKey {
    return this.#signing ??= this.#crypto.keys.importPkcs8(this.secret);
  }

  verifying(): VerifyingKey {
    if (this.#publicKey === undefined) return this.signing().publicKey;
    return this.#verifying ??= this.#crypto.keys.importSpki(this.#publicKey);
  }

  /** Wipes all of it. Any later use throws. */
  destroy(): void {
    this.#isDestroyed = true;
    wipe(this.#key, this.#hmacKey);
    this.#cipher?.destroy();
    this.#signing?.destroy();
    for (const hmac of this.#hmacs.values()) hmac.destroy();
    this.#hmacs.clear();
    this.#cipher = undefined;
    this.#signing = undefined;
  }

  /** What was wiped must never be taken for a key. */
  #requireAlive(): void {
    if (this.#isDestroyed) throw new Error("the key was destroyed");
  }
}

/** A cipher of this type; the caller destroys it. */
export function makeCipher(crypto: CryptoProvider, type: KeyTypeName, key: Uint8Array): AeadKey {
  if (type === "chacha20-poly1305") return crypto.chachaKey(key);
  return type === "xchacha20-poly1305" ? xchachaKey(crypto, key) : crypto.gcmKey(key);
}

function decoded(text: string | undefined): Bytes | undefined {
  return text === undefined ? undefined : fromBase64(text);
}
