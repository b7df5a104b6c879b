/** The unseal key of a Shamir seal, as the one that rekeying and making root tokens ask for. */
import { type Bytes, wipe } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import type { Barrier } from "../barrier/barrier.ts";
import { KEY_LENGTH } from "../barrier/keyring.ts";
import { UNSEAL_BACKUP_KEY } from "../barrier/physical.ts";
import { DecryptError } from "../crypto/provider.ts";
import { CorruptionError, type Storage, type Write } from "../storage/storage.ts";
import type { SealConfig } from "./config.ts";
import type { SharedKey } from "./seal.ts";
import type { ShamirSeal } from "./shamir_seal.ts";
import { readRootKey, readSealConfig, sealWrites } from "./stored.ts";

export interface UnsealKeyParts {
  readonly physical: Storage;
  readonly barrier: Barrier;
  readonly seal: ShamirSeal;
  readonly random: Random;
}

export class UnsealKey implements SharedKey {
  readonly #parts: UnsealKeyParts;

  constructor(parts: UnsealKeyParts) {
    this.#parts = parts;
  }

  async config(): Promise<SealConfig> {
    const config = await readSealConfig(this.#parts.physical);
    if (config === undefined) throw new CorruptionError("the seal configuration is missing");
    return config;
  }

  async isKey(key: Bytes): Promise<boolean> {
    if (key.length !== KEY_LENGTH) return false;
    const candidate = this.#parts.seal.sibling(key);
    let rootKey: Bytes | undefined;
    try {
      rootKey = await readRootKey(this.#parts.physical, candidate);
      return this.#parts.barrier.verifyRoot(rootKey);
    } catch (error) {
      if (error instanceof DecryptError) return false;
      throw error;
    } finally {
      wipe(rootKey);
      candidate.forget();
    }
  }

  /**
   * A new root key comes with the new unseal key: who has old shares and an old copy of the storage
   * must not be able to open a new one.
   */
  async replace(key: Bytes, config: SealConfig, backup?: Bytes | null): Promise<void> {
    const { seal, barrier } = this.#parts;
    const next = seal.sibling(key);
    const rest: Write[] = backup === undefined ? [] : [{ key: UNSEAL_BACKUP_KEY, value: backup }];
    try {
      await this.#replaceRoot(next, config, rest);
      if (!barrier.sealed) seal.adopt(next);
    } finally {
      next.forget();
    }
  }

  /** Replaces the root key only; the shares stay as they are. The node must be unsealed. */
  async rotateRoot(): Promise<void> {
    await this.#replaceRoot(this.#parts.seal, await this.config(), []);
  }

  async backup(): Promise<Bytes | undefined> {
    return await this.#parts.physical.get(UNSEAL_BACKUP_KEY);
  }

  async deleteBackup(): Promise<void> {
    await this.#parts.physical.write([{ key: UNSEAL_BACKUP_KEY, value: null }]);
  }

  async #replaceRoot(seal: ShamirSeal, config: SealConfig, rest: readonly Write[]): Promise<void> {
    const { barrier, random } = this.#parts;
    const rootKey = random.bytes(KEY_LENGTH);
    try {
      await barrier.rekey(rootKey, [...await sealWrites(seal, rootKey, config), ...rest]);
    } finally {
      wipe(rootKey);
    }
  }
}
