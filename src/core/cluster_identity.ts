/** The cluster's name and id, made at its first start. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import type { Transactions } from "../storage/transaction.ts";

/** As sys/health and sys/seal-status tell it. */
export interface ClusterIdentity {
  readonly name: string;
  readonly id: string;
}

const clusterKey = "core/cluster/local/info";

/** Reads it, or makes it; `name` is from the configuration, "" makes one up. */
export async function readClusterIdentity(
  transactions: Transactions,
  random: Random,
  name: string,
): Promise<ClusterIdentity> {
  return await transactions.run(async (transaction) => {
    const stored = await transaction.get(clusterKey);
    if (stored !== undefined) {
      const known: ClusterIdentity = JSON.parse(fromUtf8(stored));
      return known;
    }
    const made = {
      name: name || `holdfast-cluster-${random.uuid().slice(0, 8)}`,
      id: random.uuid(),
    };
    transaction.put(clusterKey, utf8(JSON.stringify(made)));
    return made;
  });
}
