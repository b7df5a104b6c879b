/**
 * What opens the barrier. A seal encrypts the root key (and, later, recovery keys) with a key that
 * is not in the storage: one split among people, or one that a key management service keeps.
 */
import type { Bytes } from "../base/bytes.ts";
import type { SealConfig } from "./config.ts";

export interface Seal {
  /** As `core/seal-config` and sys/seal-status name it: "shamir", "transit", "awskms"… */
  readonly type: string;
  /** Whether it opens the root key without people; then key shares are those of a recovery key. */
  readonly unsealsItself: boolean;
  /** Encrypts a key to be stored under a physical key name, to which it is bound. */
  wrap(name: string, key: Bytes): Promise<Bytes>;
  /**
   * The reverse; the caller wipes the result. Throws `DecryptError` where the seal has another key
   * or the bytes are damaged.
   */
  unwrap(name: string, wrapped: Bytes): Promise<Bytes>;
  /** Forgets key material, when the node is sealed. */
  forget(): void;
}

/** A key that is split among people: the unseal key of a Shamir seal, or a recovery key. */
export interface SharedKey {
  /** How it is split. */
  config(): Promise<SealConfig>;
  /** Whether this is the key. The caller wipes it. */
  isKey(key: Bytes): Promise<boolean>;
  /**
   * Puts a new 32-byte key in its place, atomically with its new split. `backup` is stored as it
   * is, or removed where it is null; undefined leaves it alone. The caller wipes the key.
   */
  replace(key: Bytes, config: SealConfig, backup?: Bytes | null): Promise<void>;
  /** The backup that `replace` stored. */
  backup(): Promise<Bytes | undefined>;
  /** Removes it; harmless where there is none. */
  deleteBackup(): Promise<void>;
}
