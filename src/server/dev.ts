/** A dev server: everything in memory, initialised and unsealed, its keys printed. */
import type { Node } from "../core/node.ts";
import type { DevOptions } from "../cli/server_options.ts";
import { wipe } from "../base/bytes.ts";

/** What a dev server tells its owner. */
export interface DevKeys {
  readonly unsealKey: string;
  readonly rootToken: string;
}

/** Brings a new node up with one unseal key and a root token of the owner's choice. */
export async function bringUpDev(node: Node, options: DevOptions): Promise<DevKeys> {
  const run = await node.ceremonies.prepareInit({ secretShares: 1, secretThreshold: 1 });
  const made = await run();
  try {
    await node.unseal(made.rootKey);
  } finally {
    wipe(made.rootKey);
  }
  const root = await node.issueRootToken(options.rootTokenId);
  if (!options.noKv) await mountKv(node, options.kvV1 ? "1" : "2");
  await options.storeToken?.(root.clientToken);
  return { unsealKey: made.keysBase64[0] ?? "", rootToken: root.clientToken };
}

async function mountKv(node: Node, version: string): Promise<void> {
  const { transactions, mounts } = node.services;
  await transactions.run((transaction) =>
    mounts.add(transaction, {
      table: "mounts",
      path: "secret/",
      type: "kv",
      description: "key/value secret storage",
      options: { version },
    })
  );
}
