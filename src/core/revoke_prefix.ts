/** Revokes everything below a prefix of lease ids, in batches. */
import { describeError, Failure } from "../base/failure.ts";
import type { LeaseEntry } from "../lease/entry.ts";
import { leaseCall } from "./secret_revoke.ts";
import type { Services } from "./services.ts";

export interface RevokePrefixOptions {
  /** Forgets leases whose engine refuses, instead of failing. */
  readonly force: boolean;
}

/** Leases that one transaction ends. */
const batchSize = 128;

/** Revokes all leases below `prefix`; returns how many. Throws for the first that can't be. */
export async function revokePrefix(
  services: Services,
  prefix: string,
  { force }: RevokePrefixOptions,
): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const page = await services.transactions.run(async (transaction) => {
      const found = await services.leases.page(transaction, prefix, after, batchSize);
      for (const lease of found) {
        if (lease.kind !== "token") continue;
        const entry = await services.tokens.lookupHash(transaction, lease.tokenId);
        if (entry === undefined) services.leases.remove(transaction, lease);
        else await services.revoker.revokeTree(transaction, entry);
      }
      return found;
    });
    await services.revoker.finish();
    for (const lease of page) if (lease.kind === "secret") await endNow(services, lease, force);
    count += page.length;
    after = page.at(-1)?.id;
    if (page.length < batchSize) return count;
  }
}

async function endNow(services: Services, lease: LeaseEntry, force: boolean): Promise<void> {
  try {
    await services.expiration.revokeSecret(lease);
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
  transaction: Parameters<Parameters<Services["transactions"]["run"]>[0]>[0],
  lease: LeaseEntry,
  incrementSeconds: number,
) {
  const { mounted, call } = leaseCall(services.mounts, transaction, lease, incrementSeconds);
  if (!lease.renewable || mounted.backend.renew === undefined) {
    throw new Failure(400, "lease is not renewable");
  }
  return await mounted.backend.renew(call);
}
