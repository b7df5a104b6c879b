/** A node for tests of logins: all backends, cheap password hashes. */
import { NodeKit } from "../../core/testing/kit.ts";
import { backendFactory } from "../../server/backends.ts";
import type { Storage } from "../../storage/storage.ts";
import { jwtBackend } from "../jwt/backend.ts";
import type { CallProvider, FetchDocument } from "../jwt/network.ts";
import { userpassBackend } from "../userpass/backend.ts";

const cheap = { logN: 4, r: 8, p: 1 };

/** A started node; on given storage it is another start of the node that lies there. */
export async function loginNode(
  physical?: Storage,
  fetchDocument: FetchDocument = () => Promise.reject(new Error("there is no network")),
  callProvider: CallProvider = () => Promise.reject(new Error("there is no network")),
): Promise<NodeKit> {
  const kit = new NodeKit({
    ...(physical === undefined ? {} : { physical }),
    backends: (services, node) => {
      const all = backendFactory(node)(services);
      return (table, type) => {
        if (table !== "auth") return all(table, type);
        if (type === "userpass") return userpassBackend(services, cheap);
        return type === "jwt" || type === "oidc"
          ? jwtBackend(services, { fetchDocument, callProvider }, type)
          : all(table, type);
      };
    },
  });
  return await kit.start();
}

/** Enables an auth method at its own name; the mount's accessor. */
export async function enableAuth(kit: NodeKit, type: string): Promise<string> {
  await kit.ask("update", `sys/auth/${type}`, { data: { type } });
  return accessorOf(kit, `auth/${type}/`);
}

export function accessorOf(kit: NodeKit, path: string): string {
  const mounted = kit.node.services.mounts.router.at(path);
  if (mounted === undefined) throw new Error(`nothing is mounted at ${path}`);
  return mounted.entry.accessor;
}

/** All keys below a prefix. */
export async function keysBelow(kit: NodeKit, prefix: string): Promise<string[]> {
  const found = await kit.node.services.transactions.run((transaction) =>
    transaction.scan(prefix, { limit: 10_000 })
  );
  return found.map(({ key }) => key);
}
