/**
 * Puts tokens with leases into a stopped node's directory: the same entries that requests would make,
 * by the same code, in large transactions and with one flush at the end. A million takes a minute or
 * two, where requests would take the better part of an hour.
 */
import { silentLogger } from "../src/base/log.ts";
import { assembleNode, createPlatform } from "../src/server/assemble.ts";
import { openForTest } from "../src/raft/testing.ts";

const perTransaction = 2000;
const gib = 1024 ** 3;

/** Makes `count` orphans of a token role that live a day. `key` is the one unseal key, in base64. */
export async function fillWithTokens(
  path: string,
  key: string,
  role: string,
  count: number,
): Promise<void> {
  const platform = createPlatform(silentLogger);
  const storage = await openForTest(path, {
    flushBytes: 8 * gib,
    flushAgeMs: 3_600_000,
    unflushedBytesMax: 16 * gib,
    sha256: (bytes) => platform.crypto.hash("sha256", bytes),
  });
  const node = assembleNode(platform, {
    physical: storage,
    storageType: "raft",
    haEnabled: false,
    clusterName: "",
    addresses: { api: "", cluster: "" },
    ttls: { defaultLeaseTtl: 2_764_800, maxLeaseTtl: 2_764_800 },
    cacheEntries: 1000,
    raftIndexes: () => ({}),
  });
  const rootKey = await node.ceremonies.progress.submit(key);
  if (rootKey === undefined) throw new Error("one key did not unseal");
  await node.unseal(rootKey);
  const { transactions, issuer } = node.services;
  for (let made = 0; made < count; made += perTransaction) {
    await transactions.run(async (transaction) => {
      for (let n = made; n < Math.min(count, made + perTransaction); n++) {
        await issuer.issue(transaction, {
          policies: ["default"],
          path: `auth/token/create/${role}`,
          role,
          ttl: 86_400,
        });
      }
    });
  }
  await node.seal();
  await storage.close();
}
