/** Revokes everything below a prefix of lease ids, in batches. */
import { storedText, utf8 } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { LeaseEntry } from "../lease/entry.ts";
import { leaseCall } from "./secret_revoke.ts";
import type { Services } from "./services.ts";

export interface RevokePrefixOptions {
  /** Forgets leases whose engine refuses, instead of failing. */
  readonly force: boolean;
}

/** Leases that one transaction ends. */
const batchSize = 128;

/** Revocations by prefix that have begun and not ended, in storage. */
const noted = "sys/expire/prefix/";

/** Says in the log how far it is, each time it has ended so many. */
const progressEvery = 10_000;

/** A revocation by prefix that somebody has asked for. */
export interface PrefixRevocation extends RevokePrefixOptions {
  readonly id: string;
  readonly prefix: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/**
 * Notes a revocation with the request that asked for it, so that a restart in the middle goes on.
 * `runNoted` does it.
 */
export function notePrefixRevocation(
  transaction: Transaction,
  random: Random,
  startedAt: number,
  prefix: string,
  { force }: RevokePrefixOptions,
): PrefixRevocation {
  const revocation = { id: random.uuid(), prefix, force, startedAt };
  transaction.put(noted + revocation.id, utf8(JSON.stringify(revocation)));
  return revocation;
}

/** Revokes what a note says and removes it, also where a lease could not be revoked. */
export async function runNoted(services: Services, revocation: PrefixRevocation): Promise<void> {
  const { running } = services.revoker;
  const { id, prefix, force, startedAt } = revocation;
  running.set(id, { prefix, startedAt, revoked: 0 });
  try {
    await revokePrefix(services, prefix, { force }, (revoked) => {
      running.set(id, { prefix, startedAt, revoked });
    });
  } finally {
    running.delete(id);
    await services.transactions.run((transaction) => transaction.delete(noted + id));
  }
}

/** Goes on with what a restart has interrupted. */
export async function resumeNoted(services: Services): Promise<void> {
  const { log } = services.mounts.platform;
  const left = await services.transactions.run((transaction) =>
    transaction.scan(noted, { limit: 1000 })
  );
  for (const { value } of left) {
    const revocation: PrefixRevocation = JSON.parse(storedText(value));
    log.info("going on with a revocation by prefix", { prefix: revocation.prefix });
    await runNoted(services, revocation);
  }
}

/** Revokes all leases below `prefix`; returns how many. Throws for the first that can't be. */
export async function revokePrefix(
  services: Services,
  prefix: string,
  { force }: RevokePrefixOptions,
  progress: (revoked: number) => void = () => {},
): Promise<number> {
  const { log } = services.mounts.platform;
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const page = await revokePage(services, prefix, after);
    await services.revoker.finish();
    for (const lease of page) if (lease.kind === "secret") await endNow(services, lease, force);
    const before = count;
    count += page.length;
    progress(count);
    if (Math.floor(count / progressEvery) > Math.floor(before / progressEvery)) {
      log.info("revoking leases by prefix", { prefix, revoked: count });
    }
    after = page.at(-1)?.id;
    if (page.length < batchSize) return count;
  }
}

/** Ends the tokens of the next page; its secrets are left to the caller. */
async function revokePage(
  services: Services,
  prefix: string,
  after: string | undefined,
): Promise<LeaseEntry[]> {
  return await services.transactions.run(async (transaction) => {
    const found = await services.leases.page(transaction, prefix, after, batchSize);
    for (const lease of found) {
      if (lease.kind !== "token") continue;
      const entry = await services.tokens.lookupHash(transaction, lease.tokenId);
      if (entry === undefined) services.leases.remove(transaction, lease);
      else await services.revoker.revokeTree(transaction, entry);
    }
    return found;
  });
}

async function endNow(services: Services, lease: LeaseEntry, force: boolean): Promise<void> {
  try {
    await services.expiration.secrets.parts.revoke(lease);
  } catch (error) {
    if (!force) {
      throw new Failure(400, `failed to revoke "${lease.id}": ${describeError(error)}`, {
        cause: error,
      });
    }
  }
  await services.transactions.run(async (transaction) => {
    const current = await services.leases.get(transaction, lease.id);
    if (current !== undefined) services.leases.remove(transaction, current);
  });
}

/** Gives a secret's lease more time. */
export async function renewSecret(
  services: Services,
  transaction: Transaction,
  lease: LeaseEntry,
  incrementSeconds: number,
) {
  const { mounted, call } = leaseCall(services.mounts, transaction, lease, incrementSeconds);
  if (!lease.renewable || mounted.backend.renew === undefined) {
    throw new Failure(400, "lease is not renewable");
  }
  return await mounted.backend.renew(call);
}
