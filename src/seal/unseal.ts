/** The shares of the unseal key as people hand them in, until they open the root key. */
import { type Bytes, wipe } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import { type CryptoProvider, DecryptError } from "../crypto/provider.ts";
import type { Storage } from "../storage/storage.ts";
import { ShareCollector } from "./collector.ts";
import type { SealConfig } from "./config.ts";
import type { ShamirSeal } from "./shamir_seal.ts";
import { parseKeyShare } from "./shares.ts";
import { readRootKey, readSealConfig } from "./stored.ts";
import { KEY_LENGTH } from "../barrier/keyring.ts";

export interface UnsealParts {
  readonly physical: Storage;
  readonly seal: ShamirSeal;
  readonly crypto: CryptoProvider;
  readonly random: Random;
  readonly joining?: Joining | undefined;
}

/** A node whose storage is still empty, because it is about to join a cluster. */
export interface Joining {
  /** How the cluster's key is split; undefined where there is nothing to join. */
  config(): SealConfig | undefined;
  /**
   * Joins with the cluster's key and returns the root key that comes with its data. Throws
   * `DecryptError` where it is another key.
   */
  rootKey(seal: ShamirSeal): Promise<Bytes>;
}

export interface UnsealStatus {
  /** Shares that are needed; 0 before initialization. */
  readonly threshold: number;
  /** Shares that exist; 0 before initialization. */
  readonly shares: number;
  readonly progress: number;
  /** Names this attempt; "" while no share waits. */
  readonly nonce: string;
}

export class UnsealProgress {
  readonly #parts: UnsealParts;
  readonly #collected: ShareCollector;
  #nonce = "";

  constructor(parts: UnsealParts) {
    this.#parts = parts;
    this.#collected = new ShareCollector(parts.crypto);
  }

  async status(): Promise<UnsealStatus> {
    const config = await this.#config();
    const { threshold = 0, shares = 0 } = config ?? {};
    return { threshold, shares, progress: this.#collected.progress, nonce: this.#nonce };
  }

  /**
   * Takes a share, in hexadecimal or base64; one that waits already changes nothing. With the last
   * that is needed it returns the root key, which the caller gives to the barrier and wipes; before
   * that undefined. Throws a 400 `Failure` where the share is malformed, and where the shares
   * together are wrong: then the attempt starts again from nothing.
   */
  async submit(text: string): Promise<Bytes | undefined> {
    const share = parseKeyShare(text);
    const config = await this.#config();
    if (config === undefined) {
      wipe(share);
      throw badRequest("Vault is not initialized");
    }
    this.#collected.add(share);
    if (this.#nonce === "") this.#nonce = this.#parts.random.uuid();
    if (this.#collected.progress < config.threshold) return undefined;
    this.#nonce = "";
    const key = await this.#collected.combine();
    try {
      return await this.#openRootKey(key);
    } finally {
      wipe(key);
    }
  }

  /** Forgets the shares that wait. */
  reset(): void {
    this.#collected.reset();
    this.#nonce = "";
  }

  async #config(): Promise<SealConfig | undefined> {
    const { physical, joining } = this.#parts;
    return joining?.config() ?? await readSealConfig(physical);
  }

  async #openRootKey(key: Bytes): Promise<Bytes> {
    const { physical, seal, joining } = this.#parts;
    if (key.length !== KEY_LENGTH) throw wrongKey();
    const candidate = seal.sibling(key);
    try {
      const rootKey = joining?.config() === undefined
        ? await readRootKey(physical, candidate)
        : await joining.rootKey(candidate);
      seal.adopt(candidate);
      return rootKey;
    } catch (error) {
      if (error instanceof DecryptError) throw wrongKey(error);
      throw error;
    } finally {
      candidate.forget();
    }
  }
}

function wrongKey(cause?: unknown): Error {
  return badRequest(
    "invalid key: failed to decrypt the stored root key: message authentication failed",
    cause,
  );
}
