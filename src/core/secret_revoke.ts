/** Revokes a leased secret at the engine that made it. */
import type { LeaseEntry } from "../lease/entry.ts";
import type { Transactions } from "../storage/transaction.ts";
import type { LeaseCall } from "./backend.ts";
import { storagePrefix } from "./mount_entry.ts";
import type { Mounts } from "./mounts.ts";
import type { Mounted } from "./router.ts";
import type { SecretRevoker } from "./secret_ending.ts";
import type { Transaction } from "../storage/transaction.ts";

/** The engine of a lease, and the call that it is given. */
export function leaseCall(
  mounts: Mounts,
  transaction: Transaction,
  lease: LeaseEntry,
  incrementSeconds = 0,
): { mounted: Mounted; call: LeaseCall } {
  const route = mounts.router.find(lease.id);
  if (route === undefined) throw new Error(`the mount of this lease is gone`);
  const { entry } = route.mounted;
  return {
    mounted: route.mounted,
    call: {
      mount: mounts.info(entry),
      storage: transaction.within(storagePrefix(entry)),
      internalData: lease.internalData,
      incrementSeconds,
      issueTime: lease.issueTime,
    },
  };
}

/** A revoker that finds the engine by the lease's path. */
export function secretRevoker(transactions: Transactions, mounts: Mounts): SecretRevoker {
  return async (lease) => {
    let againMs: number | undefined;
    const lookAgain = (afterMs: number) => {
      againMs = afterMs;
    };
    const tasks = await transactions.run(async (transaction) => {
      const { mounted, call } = leaseCall(mounts, transaction, lease);
      if (mounted.backend.revoke === undefined) {
        throw new Error(`the engine ${mounted.entry.type} can't revoke secrets`);
      }
      const beforeAnswer = (task: () => Promise<void>) => transaction.beforeAnswer(task);
      await mounted.backend.revoke({ ...call, beforeAnswer, lookAgain });
      return transaction.tasks;
    });
    for (const task of tasks) await task();
    return againMs;
  };
}

/** On whom the end of a lease depends: its mount, and what the engine says beyond that. */
export function revocationTarget(mounts: Mounts, lease: LeaseEntry): string {
  const mounted = mounts.router.find(lease.id)?.mounted;
  if (mounted === undefined) return "none";
  const own = mounted.backend.revocationTarget?.(lease.internalData) ?? "";
  return `${mounted.entry.uuid}:${encodeURIComponent(own)}`;
}
