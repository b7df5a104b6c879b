/** Takes a mount away: its leases, its data, its entry. Goes on after a restart in the middle. */
import type { Transactions } from "../storage/transaction.ts";
import { type MountEntry, routePath, storagePrefix } from "./mount_entry.ts";
import { revokePrefix } from "./revoke_prefix.ts";
import type { Services } from "./services.ts";

/** Entries that are deleted in one transaction. */
const deletedAtOnce = 500;

/**
 * Stops the mount from answering, in the transaction of the request. `finishUnmount` does the rest
 * after its commit.
 */
export async function taint(
  services: Services,
  transaction: Parameters<Parameters<Transactions["run"]>[0]>[0],
  entry: MountEntry,
): Promise<MountEntry> {
  const tainted = { ...entry, tainted: true };
  await services.mounts.change(transaction, entry, tainted);
  return tainted;
}

/** Revokes the mount's leases, deletes its data, then its entry. */
export async function finishUnmount(services: Services, entry: MountEntry): Promise<void> {
  await revokePrefix(services, routePath(entry), { force: true });
  await deleteBelow(services.transactions, storagePrefix(entry));
  const backend = services.mounts.router.at(routePath(entry))?.backend;
  await services.transactions.run((transaction) => services.mounts.remove(transaction, entry));
  await backend?.close?.();
}

/** Goes on with what a restart has interrupted. */
export async function finishTainted(services: Services): Promise<void> {
  for (const { entry } of [...services.mounts.router.all()]) {
    if (entry.tainted) await finishUnmount(services, entry);
  }
}

/** Deletes all entries below a prefix, a batch a transaction. */
export async function deleteBelow(transactions: Transactions, prefix: string): Promise<void> {
  for (;;) {
    const more = await transactions.run(async (transaction) => {
      const page = await transaction.scan(prefix, { limit: deletedAtOnce, keysOnly: true });
      for (const { key } of page) transaction.delete(key);
      return page.length === deletedAtOnce;
    });
    if (!more) return;
  }
}
