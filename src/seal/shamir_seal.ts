/**
 * The seal whose key people hold in shares. While the node is unsealed the key stays in a context
 * of the crypto provider, so that the root key can be replaced without asking for shares.
 */
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { NONCE_LENGTH } from "../crypto/gcm.ts";
import { type CryptoProvider, DecryptError, type GcmKey } from "../crypto/provider.ts";
import type { Seal } from "./seal.ts";

/** First byte of what this seal wraps: AES-256-GCM, bound to the name. */
const FORMAT = 1;

export class ShamirSeal implements Seal {
  readonly type = "shamir";
  readonly unsealsItself = false;
  readonly #crypto: CryptoProvider;
  readonly #random: Random;
  #key: GcmKey | undefined;

  constructor(crypto: CryptoProvider, random: Random) {
    this.#crypto = crypto;
    this.#random = random;
  }

  /** Takes the unseal key, 32 bytes; the caller wipes it. */
  setKey(key: Bytes): void {
    this.forget();
    this.#key = this.#crypto.gcmKey(key);
  }

  /** Takes over the key of another seal, which has none then. */
  adopt(other: ShamirSeal): void {
    this.forget();
    this.#key = other.#key;
    other.#key = undefined;
  }

  /** A seal of the same kind with another key, which the caller gives to it and forgets. */
  sibling(key: Bytes): ShamirSeal {
    const made = new ShamirSeal(this.#crypto, this.#random);
    made.setKey(key);
    return made;
  }

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async wrap(name: string, key: Bytes): Promise<Bytes> {
    const nonce = this.#random.bytes(NONCE_LENGTH);
    return concat(new Uint8Array([FORMAT]), nonce, this.#present().seal(nonce, key, utf8(name)));
  }

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  async unwrap(name: string, wrapped: Bytes): Promise<Bytes> {
    if (wrapped[0] !== FORMAT) throw new DecryptError("not wrapped by this seal");
    const body = 1 + NONCE_LENGTH;
    return this.#present().open(wrapped.subarray(1, body), wrapped.subarray(body), utf8(name));
  }

  forget(): void {
    this.#key?.destroy();
    this.#key = undefined;
  }

  #present(): GcmKey {
    if (this.#key === undefined) throw new Error("the seal has no key");
    return this.#key;
  }
}
