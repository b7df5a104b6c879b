/** The shares of the unseal key as people hand them in, until they open the root key. */
import { type Bytes, wipe } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import { type CryptoProvider, DecryptError } from "../crypto/provider.ts";
import type { Storage } from "../storage/storage.ts";
import { ShareCollector } from "./collector.ts";
import type { ShamirSeal } from "./shamir_seal.ts";
import { parseKeyShare } from "./shares.ts";
import { readRootKey, readSealConfig } from "./stored.ts";
import { KEY_LENGTH } from "../barrier/keyring.ts";

export interface UnsealParts {
  readonly physical: Storage;
  readonly seal: ShamirSeal;
  readonly crypto: CryptoProvider;
  readonly random: Random;
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
    const config = await readSealConfig(this.#parts.physical);
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
    const config = await readSealConfig(this.#parts.physical);
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

  async #openRootKey(key: Bytes): Promise<Bytes> {
    const { physical, seal } = this.#parts;
    if (key.length !== KEY_LENGTH) throw wrongKey();
    const candidate = seal.sibling(key);
    try {
      const rootKey = await readRootKey(physical, candidate);
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
