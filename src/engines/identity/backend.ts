/** Identity: always mounted. Entities and groups come with it. */
import { defineBackend } from "../../backend/backend.ts";
import { standbyReads } from "../../backend/path.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { entityPaths } from "./entity.ts";
import { entityAliasPaths } from "./entity_alias.ts";
import { groupPaths } from "./group.ts";
import { groupAliasPaths } from "./group_alias.ts";
import { lookupPaths } from "./lookup.ts";
import { oidcDiscoveryPaths } from "./oidc/discovery.ts";
import { oidcKeyPaths } from "./oidc/key_paths.ts";
import { oidcRolePaths } from "./oidc/role.ts";
import { oidcTokenPaths } from "./oidc/tokens.ts";

/** `apiAddress` is where clients reach this node. */
export function identityBackend(
  services: () => Services,
  apiAddress: () => string,
): LogicalBackend {
  const oidc = { services, apiAddress };
  return defineBackend({
    type: "identity",
    help: "Who the callers are, across the auth methods they use.",
    paths: [
      ...standbyReads(entityPaths(services)),
      ...standbyReads(entityAliasPaths(services)),
      ...standbyReads(groupPaths(services)),
      ...standbyReads(groupAliasPaths(services)),
      ...lookupPaths(services),
      ...oidcKeyPaths(oidc),
      ...oidcRolePaths(oidc),
      ...oidcTokenPaths(oidc),
      ...oidcDiscoveryPaths(oidc),
    ],
  });
}
