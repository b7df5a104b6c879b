/** A dev server: everything in memory, initialised and unsealed, its keys printed. */
import type { Node } from "../core/node.ts";
import type { DevOptions } from "../cli/server_options.ts";
import { wipe } from "../base/bytes.ts";
import type { DevCertificate } from "./dev_tls.ts";

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

/** What is printed behind the banner. */
export function devNotice(
  options: DevOptions,
  keys: DevKeys,
  apiAddress: string,
  tls: DevCertificate | undefined,
): string {
  const stored = options.storeToken === undefined
    ? "The root token is not kept for the command line: log in with it."
    : "The command line is logged in with the root token already.";
  const environment = [
    `    $ export VAULT_ADDR=${apiAddress}`,
    ...(tls === undefined ? [] : [`    $ export VAULT_CACERT=${tls.caPath}`]),
  ];
  return `WARNING! dev mode: all data are in memory only, and gone when the process ends.
The node is initialised and unsealed. ${stored}

You may need to set for the command line:

${environment.join("\n")}

The unseal key and root token are for unsealing after \`operator seal\`, and for logging in.

Unseal Key: ${keys.unsealKey}
Root Token: ${keys.rootToken}

Development mode is not for production.

`;
}

/** The file of -dev-cluster-json, for programs that start a dev server. */
export async function writeClusterJson(
  path: string,
  keys: DevKeys,
  addresses: { readonly api: string; readonly cluster: string },
  tls: DevCertificate | undefined,
): Promise<void> {
  if (path === "") return;
  const content = {
    nodes: [{ node_id: "node0", api_address: addresses.api, cluster_address: addresses.cluster }],
    ca_cert_path: tls?.caPath ?? "",
    root_token: keys.rootToken,
    unseal_keys: [keys.unsealKey],
  };
  await Deno.writeTextFile(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
}
