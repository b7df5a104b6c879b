/** The first act of a node's life: make the root key, and the shares of the key that wraps it. */
import { toBase64, wipe } from "../base/bytes.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import type { Barrier } from "../barrier/barrier.ts";
import { KEY_LENGTH } from "../barrier/keyring.ts";
import { checkSplit, type SealConfig } from "./config.ts";
import { type KeyOutput, outputShares } from "./key_output.ts";
import { parsePgpKey, parsePgpKeys } from "./pgp.ts";
import type { ShamirSeal } from "./shamir_seal.ts";
import { splitKey } from "./shares.ts";
import { sealWrites } from "./stored.ts";

/** What sys/init takes. */
export interface InitOptions {
  readonly secretShares: number;
  readonly secretThreshold: number;
  readonly pgpKeys?: readonly string[];
  readonly rootTokenPgpKey?: string;
  /** Of the time before root keys were stored; has no effect. */
  readonly storedShares?: number;
  readonly recoveryShares?: number;
  readonly recoveryThreshold?: number;
  readonly recoveryPgpKeys?: readonly string[];
}

export interface InitParts {
  readonly barrier: Barrier;
  readonly seal: ShamirSeal;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Initialized extends KeyOutput {
  /** Opens the barrier now, so that the first token can be made. The caller wipes it. */
  readonly rootKey: Bytes;
  /** How the root token is handed out: as it is, or base64 of a PGP message. */
  readonly presentRootToken: (token: string) => Promise<string>;
}

/** Makes and stores the keys; the barrier stays sealed, the seal has its key. */
export type Initialize = () => Promise<Initialized>;

/**
 * Checks what was asked for, and returns what does it: who asks for the impossible is told so even
 * where the node is initialized already. Throws a 400 `Failure`.
 */
export async function prepareInit(parts: InitParts, options: InitOptions): Promise<Initialize> {
  refuseRecovery(options);
  const config: SealConfig = {
    type: "shamir",
    shares: options.secretShares,
    threshold: options.secretThreshold,
    pgpKeys: options.pgpKeys ?? [],
    backup: false,
  };
  checkSplit(config);
  const now = parts.clock.now();
  const pgpKeys = await parsePgpKeys(config.pgpKeys, now, "invalid seal configuration: ");
  const rootTokenKey = options.rootTokenPgpKey === undefined || options.rootTokenPgpKey === ""
    ? undefined
    : await parsePgpKey(options.rootTokenPgpKey, now);
  const presentRootToken = async (token: string) =>
    rootTokenKey === undefined ? token : toBase64(await rootTokenKey.encrypt(token));
  return async () => {
    if (await parts.barrier.isInitialized()) throw badRequest("Vault is already initialized");
    const { rootKey, shares } = await store(parts, config);
    return { ...await outputShares(shares, pgpKeys), rootKey, presentRootToken };
  };
}

/** `prepareInit` and what it returns in one. */
export async function initialize(parts: InitParts, options: InitOptions): Promise<Initialized> {
  return await (await prepareInit(parts, options))();
}

async function store(
  { barrier, seal, random }: InitParts,
  config: SealConfig,
): Promise<{ rootKey: Bytes; shares: Bytes[] }> {
  const rootKey = random.bytes(KEY_LENGTH);
  const sealKey = random.bytes(KEY_LENGTH);
  try {
    const shares = await splitKey(sealKey, config.shares, config.threshold);
    seal.setKey(sealKey);
    await barrier.initialize(rootKey, await sealWrites(seal, rootKey, config));
    return { rootKey, shares };
  } catch (error) {
    wipe(rootKey);
    throw error;
  } finally {
    wipe(sealKey);
  }
}

function refuseRecovery(options: InitOptions): void {
  const given: string[] = [];
  if ((options.recoveryShares ?? 0) !== 0) given.push("recovery_shares");
  if ((options.recoveryThreshold ?? 0) !== 0) given.push("recovery_threshold");
  if ((options.recoveryPgpKeys ?? []).length !== 0) given.push("recovery_pgp_keys");
  if (given.length > 0) {
    throw badRequest(`parameters ${given.join(",")} not applicable to seal type shamir`);
  }
}
