/** What the seal keeps in the physical storage, below the barrier. */
import type { Bytes } from "../base/bytes.ts";
import { SEAL_CONFIG_KEY, STORED_ROOT_KEY } from "../barrier/physical.ts";
import { CorruptionError, type Storage, type Write } from "../storage/storage.ts";
import { decodeSealConfig, encodeSealConfig, type SealConfig } from "./config.ts";
import type { Seal } from "./seal.ts";

/** How the unseal key is split, or undefined before initialization. */
export async function readSealConfig(physical: Storage): Promise<SealConfig | undefined> {
  const bytes = await physical.get(SEAL_CONFIG_KEY);
  return bytes === undefined ? undefined : decodeSealConfig(SEAL_CONFIG_KEY, bytes);
}

/** The writes that store a root key under a seal, and how that seal's key is split. */
export async function sealWrites(seal: Seal, rootKey: Bytes, config: SealConfig): Promise<Write[]> {
  return [
    { key: SEAL_CONFIG_KEY, value: encodeSealConfig(config) },
    { key: STORED_ROOT_KEY, value: await seal.wrap(STORED_ROOT_KEY, rootKey) },
  ];
}

/**
 * The stored root key; the caller wipes it. Throws `DecryptError` where the seal has another key,
 * `CorruptionError` where nothing is stored.
 */
export async function readRootKey(physical: Storage, seal: Seal): Promise<Bytes> {
  const wrapped = await physical.get(STORED_ROOT_KEY);
  if (wrapped === undefined) {
    throw new CorruptionError(`the value of ${STORED_ROOT_KEY} is missing`);
  }
  return await seal.unwrap(STORED_ROOT_KEY, wrapped);
}
