/** The unseal key where nothing has opened the barrier yet: who shows it opens the barrier. */
import { type Bytes, wipe } from "../base/bytes.ts";
import { KEY_LENGTH } from "../barrier/keyring.ts";
import { DecryptError } from "../crypto/provider.ts";
import { readRootKey } from "./stored.ts";
import { UnsealKey, type UnsealKeyParts } from "./unseal_key.ts";

export class OpeningKey extends UnsealKey {
  readonly #opening: UnsealKeyParts;

  constructor(parts: UnsealKeyParts) {
    super(parts);
    this.#opening = parts;
  }

  override async isKey(key: Bytes): Promise<boolean> {
    const { physical, barrier, seal } = this.#opening;
    if (!barrier.sealed) return await super.isKey(key);
    if (key.length !== KEY_LENGTH) return false;
    const candidate = seal.sibling(key);
    let rootKey: Bytes | undefined;
    try {
      rootKey = await readRootKey(physical, candidate);
      await barrier.unseal(rootKey);
      return true;
    } catch (error) {
      if (error instanceof DecryptError) return false;
      throw error;
    } finally {
      wipe(rootKey);
      candidate.forget();
    }
  }
}
