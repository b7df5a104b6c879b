/** The keyring of an unsealed barrier: keys ready for use, held outside the heap. */
import type { Bytes } from "../base/bytes.ts";
import type { CryptoProvider, GcmKey } from "../crypto/provider.ts";
import type { KeyringRecord } from "./keyring.ts";
import type { RotationConfig } from "./rotation.ts";

/** The key that encrypts the stored keyring. */
export class RootKey {
  readonly key: GcmKey;
  readonly #crypto: CryptoProvider;
  readonly #digest: Bytes;

  /** Copies the bytes; the caller wipes its own. */
  constructor(crypto: CryptoProvider, bytes: Uint8Array) {
    this.#crypto = crypto;
    this.key = crypto.gcmKey(bytes);
    this.#digest = crypto.hash("sha256", bytes);
  }

  /** Whether the bytes are this key, in constant time. */
  is(bytes: Uint8Array): boolean {
    return this.#crypto.equal(this.#crypto.hash("sha256", bytes), this.#digest);
  }

  destroy(): void {
    this.key.destroy();
  }
}

export class OpenKeyring {
  readonly root: RootKey;
  readonly rotation: RotationConfig;
  /** The newest term, used for all that is written. */
  readonly activeTerm: number;
  readonly activeKey: GcmKey;
  /** Milliseconds since 1970. */
  readonly activeInstallTime: number;
  readonly #keys = new Map<number, GcmKey>();

  /** Owns the root key; copies the others, so the caller wipes the record. */
  constructor(crypto: CryptoProvider, root: RootKey, record: KeyringRecord) {
    const last = record.terms.at(-1);
    if (last === undefined) throw new RangeError("a keyring has at least one term");
    for (const { term, key } of record.terms) this.#keys.set(term, crypto.gcmKey(key));
    this.root = root;
    this.rotation = record.rotation;
    this.activeTerm = last.term;
    this.activeInstallTime = last.installTime;
    this.activeKey = this.#keys.get(last.term) ?? crypto.gcmKey(last.key);
  }

  /** The key of a term, or undefined where there is no such term. */
  key(term: number): GcmKey | undefined {
    return this.#keys.get(term);
  }

  /** Wipes the data keys, and the root key unless it goes on in `successor`. */
  destroy(successor?: OpenKeyring): void {
    for (const key of this.#keys.values()) key.destroy();
    this.#keys.clear();
    if (successor?.root !== this.root) this.root.destroy();
  }
}
