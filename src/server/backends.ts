/** Every type of engine and auth method that is in the binary. */
import { approleBackend } from "../auth/approle/backend.ts";
import { jwtBackend } from "../auth/jwt/backend.ts";
import { tokenBackend } from "../auth/token/backend.ts";
import { userpassBackend } from "../auth/userpass/backend.ts";
import type { LogicalBackend } from "../core/backend.ts";
import type { BackendFactory } from "../core/mounts.ts";
import type { Services } from "../core/services.ts";
import { cubbyholeBackend } from "../engines/cubbyhole/backend.ts";
import { databaseBackend, databasePlugins } from "../engines/database/backend.ts";
import { identityBackend } from "../engines/identity/backend.ts";
import { kvBackend } from "../engines/kv/backend.ts";
import { pkiBackend } from "../engines/pki/backend.ts";
import { transitBackend } from "../engines/transit/backend.ts";
import { badRequest } from "../base/failure.ts";
import { callProvider, fetchDocument } from "./fetch_document.ts";
import { systemBackend } from "../system/backend.ts";
import type { Node } from "../core/node.ts";

type Maker = (services: () => Services, node: () => Node) => LogicalBackend;

const engines: Readonly<Record<string, Maker>> = {
  cubbyhole: (services) => cubbyholeBackend(services),
  database: (services) => databaseBackend(services),
  identity: (services, node) => identityBackend(services, () => node().addresses.api),
  kv: kvBackend,
  pki: (services) => pkiBackend(services),
  transit: (services) => transitBackend(services),
};

const network = { fetchDocument, callProvider };

const authMethods: Readonly<Record<string, Maker>> = {
  approle: approleBackend,
  jwt: (services) => jwtBackend(services, network),
  oidc: (services, node) => jwtBackend(services, network, "oidc", () => useOidcMounts(node())),
  token: tokenBackend,
  userpass: (services) => userpassBackend(services),
};

/** Nodes of earlier versions can't open a mount of a type that they don't know. */
async function useOidcMounts({ ha }: Node): Promise<void> {
  if (ha === undefined || await ha.features.use("oidc-mounts")) return;
  throw badRequest(
    'the type oidc can be mounted once all nodes of the cluster know it; "jwt" does the same',
  );
}

/** Names of what can be mounted, for the catalogue. */
export const backendTypes = {
  engines: Object.keys(engines).filter((name) => !["cubbyhole", "identity"].includes(name)).sort(),
  authMethods: Object.keys(authMethods).filter((name) => name !== "token").sort(),
  databases: databasePlugins.map(({ name }) => name).sort(),
};

/** The factory for one node. */
export function backendFactory(node: () => Node): (services: () => Services) => BackendFactory {
  return (services) => (table, type) => {
    if (table === "mounts" && type === "system") return systemBackend(services, node);
    const makers = table === "auth" ? authMethods : engines;
    return Object.hasOwn(makers, type) ? makers[type]?.(services, node) : undefined;
  };
}
