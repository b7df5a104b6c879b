/**
 * Keys that lie in the physical storage and not behind the barrier: what is needed to open it. The
 * names are Vault's.
 */

/** Data keys of all terms, encrypted with the root key. */
export const KEYRING_KEY = "core/keyring";
/** How unseal keys are split, as plain JSON. */
export const SEAL_CONFIG_KEY = "core/seal-config";
/** How recovery keys are split, for seals that unseal by themselves; plain JSON. */
export const RECOVERY_CONFIG_KEY = "core/recovery-config";
/** The recovery key, encrypted by the seal. */
export const RECOVERY_KEY_KEY = "core/recovery-key";
/** The root key, encrypted by the seal. */
export const STORED_ROOT_KEY = "core/hsm/barrier-unseal-keys";
/** PGP-encrypted copies of unseal keys, kept on request by a rekey. */
export const UNSEAL_BACKUP_KEY = "core/unseal-keys-backup";
/** The same of recovery keys. */
export const RECOVERY_BACKUP_KEY = "core/recovery-keys-backup";
/** In a storage that `operator migrate` copies from: it must not be used. */
export const MIGRATION_KEY = "core/migration";
/** In a storage that it copies to: not all is there yet. */
export const MIGRATION_PROGRESS_KEY = "core/migration-progress";

const BELOW: ReadonlySet<string> = new Set([
  KEYRING_KEY,
  SEAL_CONFIG_KEY,
  RECOVERY_CONFIG_KEY,
  RECOVERY_KEY_KEY,
  STORED_ROOT_KEY,
  UNSEAL_BACKUP_KEY,
  RECOVERY_BACKUP_KEY,
  MIGRATION_KEY,
  MIGRATION_PROGRESS_KEY,
]);

/** Whether a key is kept below the barrier, where `Barrier` neither reads nor writes it. */
export function isBelowBarrier(key: string): boolean {
  // Every one of them is below core/, and the hot paths are not.
  return key.startsWith("core/") && BELOW.has(key);
}
