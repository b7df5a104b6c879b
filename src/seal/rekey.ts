/**
 * Replacing a split key: enough holders of the old shares agree, a new key is split, and if asked
 * for it takes effect only after the holders have shown that they have the new shares. One at a
 * time; its state is in memory and gone when the node is sealed.
 */
import { type Bytes, wipe } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import { KEY_LENGTH } from "../barrier/keyring.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import { type Backup, decodeBackup, encodeBackup } from "./backup.ts";
import { ShareCollector } from "./collector.ts";
import { checkSplit, type SealConfig } from "./config.ts";
import { type KeyOutput, outputShares } from "./key_output.ts";
import { parsePgpKeys, type PgpKey } from "./pgp.ts";
import type { SharedKey } from "./seal.ts";
import { parseKeyShare, splitKey } from "./shares.ts";

export interface RekeyParts {
  readonly target: SharedKey;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RekeyOptions {
  readonly secretShares: number;
  readonly secretThreshold: number;
  readonly pgpKeys?: readonly string[];
  readonly backup?: boolean;
  readonly requireVerification?: boolean;
}

export interface RekeyStatus {
  readonly started: boolean;
  /** "" where none is started. */
  readonly nonce: string;
  /** The new threshold and shares; 0 where none is started. */
  readonly threshold: number;
  readonly shares: number;
  /** Old shares that were handed in, and how many it takes. */
  readonly progress: number;
  readonly required: number;
  readonly pgpFingerprints: readonly string[] | null;
  readonly backup: boolean;
  readonly verificationRequired: boolean;
  /** "" until the new shares were handed out and wait for verification. */
  readonly verificationNonce: string;
}

export interface RekeyResult extends KeyOutput {
  readonly nonce: string;
  readonly backup: boolean;
  readonly verificationRequired: boolean;
  readonly verificationNonce: string;
}

export interface VerifyStatus {
  readonly nonce: string;
  readonly threshold: number;
  readonly shares: number;
  readonly progress: number;
}

/** How long a rekey can be cancelled only by who knows its nonce, where that is asked for. */
export const CANCEL_GUARD_MS = 10 * 60_000;

interface Verification {
  nonce: string;
  readonly collected: ShareCollector;
  /** The new key, until it is verified. */
  readonly key: Bytes;
  readonly backup: Bytes | null;
}

interface Operation {
  readonly nonce: string;
  readonly startedAt: number;
  readonly config: SealConfig;
  readonly pgpKeys: readonly PgpKey[];
  readonly requireVerification: boolean;
  readonly collected: ShareCollector;
  verification?: Verification;
  /** The last share is in and is being acted on; nothing else may happen meanwhile. */
  busy: boolean;
}

export class Rekey {
  readonly #parts: RekeyParts;
  #operation: Operation | undefined;

  constructor(parts: RekeyParts) {
    this.#parts = parts;
  }

  async status(): Promise<RekeyStatus> {
    const { threshold: required } = await this.#parts.target.config();
    const operation = this.#operation;
    return {
      started: operation !== undefined,
      nonce: operation?.nonce ?? "",
      threshold: operation?.config.threshold ?? 0,
      shares: operation?.config.shares ?? 0,
      progress: operation?.collected.progress ?? 0,
      required,
      pgpFingerprints: fingerprints(operation?.pgpKeys ?? []),
      backup: operation?.config.backup ?? false,
      verificationRequired: operation?.requireVerification ?? false,
      verificationNonce: operation?.verification?.nonce ?? "",
    };
  }

  /** Starts. Throws a 400 `Failure` where one is under way or where the numbers are impossible. */
  async init(options: RekeyOptions): Promise<RekeyStatus> {
    const { target, clock, random, crypto } = this.#parts;
    const { type } = await target.config();
    const config: SealConfig = {
      type,
      shares: options.secretShares,
      threshold: options.secretThreshold,
      pgpKeys: options.pgpKeys ?? [],
      backup: options.backup ?? false,
    };
    if (config.backup && config.pgpKeys.length === 0) {
      throw badRequest(
        "cannot request a backup of the new keys without providing PGP keys for encryption",
      );
    }
    const prefix = "invalid rekey seal configuration: ";
    checkSplit(config, prefix);
    const pgpKeys = await parsePgpKeys(config.pgpKeys, clock.now(), prefix);
    if (this.#operation !== undefined) throw badRequest("rekey already in progress");
    this.#operation = {
      nonce: random.uuid(),
      startedAt: clock.now(),
      config,
      pgpKeys,
      requireVerification: options.requireVerification ?? false,
      collected: new ShareCollector(crypto),
      busy: false,
    };
    return await this.status();
  }

  /**
   * Takes an old share. Undefined until there are enough; then the new shares. Throws a 400
   * `Failure`; where the shares together are wrong, none of them counts any more.
   */
  async update(share: { key: string; nonce: string }): Promise<RekeyResult | undefined> {
    const { target } = this.#parts;
    const { threshold } = await target.config();
    const operation = this.#started("no barrier rekey in progress");
    if (operation.verification !== undefined) {
      throw badRequest(
        "rekey operation already finished; verification must be performed; nonce for the " +
          `verification operation is "${operation.verification.nonce}"`,
      );
    }
    checkNonce(share.nonce, operation.nonce, "rekey");
    if (!operation.collected.add(parseKeyShare(share.key))) {
      throw badRequest("given key has already been provided during this generation operation");
    }
    if (operation.collected.progress < threshold) return undefined;
    return await this.#exclusively(operation, async () => {
      await this.#authenticate(operation);
      return await this.#makeKey(operation);
    });
  }

  /**
   * Gives up, whatever stage it is in. With `guarded`, the first ten minutes belong to who knows
   * the nonce. Harmless where none is started. Throws a 400 `Failure`.
   */
  cancel(options: { nonce?: string; guarded?: boolean } = {}): void {
    const operation = this.#operation;
    if (operation === undefined) return;
    refuseBusy(operation);
    const age = this.#parts.clock.now() - operation.startedAt;
    if (options.guarded === true && age < CANCEL_GUARD_MS && options.nonce !== operation.nonce) {
      throw badRequest("the nonce is required to cancel a rekey in its first ten minutes");
    }
    this.#forget(operation);
  }

  /** Forgets everything, when the node is sealed. */
  reset(): void {
    if (this.#operation !== undefined) this.#forget(this.#operation);
  }

  /** Throws a 400 `Failure` where nothing waits for verification. */
  verifyStatus(): VerifyStatus {
    const { config, verification } = this.#verifying();
    return {
      nonce: verification.nonce,
      threshold: config.threshold,
      shares: config.shares,
      progress: verification.collected.progress,
    };
  }

  /** Forgets the new shares that were handed in, under a new nonce; the new key still waits. */
  restartVerification(): VerifyStatus {
    const { verification } = this.#verifying();
    verification.collected.reset();
    verification.nonce = this.#parts.random.uuid();
    return this.verifyStatus();
  }

  /**
   * Takes a new share. Undefined until there are enough; then the new key is in force, and the
   * nonce of the verification is returned. Throws a 400 `Failure`.
   */
  async verify(share: { key: string; nonce: string }): Promise<{ nonce: string } | undefined> {
    const { config, verification, operation } = this.#verifying();
    checkNonce(share.nonce, verification.nonce, "verify");
    if (!verification.collected.add(parseKeyShare(share.key))) {
      throw badRequest("given key has already been provided during this verify operation");
    }
    if (verification.collected.progress < config.threshold) return undefined;
    return await this.#exclusively(operation, () => this.#takeEffect(operation, verification));
  }

  /** The PGP-encrypted shares that are kept. Throws a 400 `Failure` where there are none. */
  async backup(): Promise<Backup> {
    const bytes = await this.#parts.target.backup();
    if (bytes === undefined) throw badRequest("no backed-up keys found");
    return decodeBackup(bytes);
  }

  /** Removes them. */
  async deleteBackup(): Promise<void> {
    await this.#parts.target.deleteBackup();
  }

  /** Whoever handed in the old shares must have had the right ones. */
  async #authenticate(operation: Operation): Promise<void> {
    const old = await operation.collected.combine();
    try {
      if (await this.#parts.target.isKey(old)) return;
    } finally {
      wipe(old);
    }
    throw badRequest("rekey failed: invalid key shares supplied");
  }

  async #takeEffect(
    operation: Operation,
    verification: Verification,
  ): Promise<{ nonce: string }> {
    const { nonce } = verification;
    if (!await this.#combinesTo(verification.collected, verification.key)) {
      verification.nonce = this.#parts.random.uuid();
      throw badRequest("rekey verification failed; incorrect key shares supplied");
    }
    await this.#parts.target.replace(verification.key, operation.config, verification.backup);
    this.#forget(operation);
    return { nonce };
  }

  async #exclusively<T>(operation: Operation, act: () => Promise<T>): Promise<T> {
    operation.busy = true;
    try {
      return await act();
    } finally {
      operation.busy = false;
    }
  }

  async #makeKey(operation: Operation): Promise<RekeyResult> {
    const { target, random } = this.#parts;
    const { config, pgpKeys, nonce, requireVerification } = operation;
    const key = random.bytes(KEY_LENGTH);
    const output = await outputShares(
      await splitKey(key, config.shares, config.threshold),
      pgpKeys,
    );
    const backup = config.backup ? encodeBackup(nonce, output) : null;
    const result = { ...output, nonce, backup: config.backup, verificationRequired: false };
    if (requireVerification) {
      const verification = {
        nonce: random.uuid(),
        collected: new ShareCollector(this.#parts.crypto),
        key,
        backup,
      };
      operation.verification = verification;
      return { ...result, verificationRequired: true, verificationNonce: verification.nonce };
    }
    try {
      await target.replace(key, config, backup);
    } finally {
      wipe(key);
    }
    this.#forget(operation);
    return { ...result, verificationNonce: "" };
  }

  async #combinesTo(collected: ShareCollector, expected: Bytes): Promise<boolean> {
    const combined = await collected.combine();
    try {
      return this.#parts.crypto.equal(combined, expected);
    } finally {
      wipe(combined);
    }
  }

  #started(sentence: string): Operation {
    if (this.#operation === undefined) throw badRequest(sentence);
    refuseBusy(this.#operation);
    return this.#operation;
  }

  #verifying(): { operation: Operation; config: SealConfig; verification: Verification } {
    const operation = this.#started("no rekey configuration found");
    const { config, verification } = operation;
    if (verification === undefined) throw badRequest("no rekey verification in progress");
    return { operation, config, verification };
  }

  #forget(operation: Operation): void {
    operation.collected.reset();
    operation.verification?.collected.reset();
    wipe(operation.verification?.key);
    if (this.#operation === operation) this.#operation = undefined;
  }
}

function refuseBusy(operation: Operation): void {
  if (operation.busy) throw badRequest("the rekey is being completed");
}

function checkNonce(given: string, expected: string, operation: string): void {
  if (given === expected) return;
  throw badRequest(
    `incorrect nonce supplied; nonce for this ${operation} operation is "${expected}"`,
  );
}

function fingerprints(keys: readonly PgpKey[]): string[] | null {
  return keys.length === 0 ? null : keys.map((key) => key.fingerprint);
}
