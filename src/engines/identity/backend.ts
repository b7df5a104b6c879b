/** Identity: always mounted. Entities and groups come with it. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { entityPaths } from "./entity.ts";
import { entityAliasPaths } from "./entity_alias.ts";
import { groupPaths } from "./group.ts";
import { groupAliasPaths } from "./group_alias.ts";
import { lookupPaths } from "./lookup.ts";

export function identityBackend(services: () => Services): LogicalBackend {
  return defineBackend({
    type: "identity",
    help: "Who the callers are, across the auth methods they use.",
    paths: [
      ...entityPaths(services),
      ...entityAliasPaths(services),
      ...groupPaths(services),
      ...groupAliasPaths(services),
      ...lookupPaths(services),
    ],
  });
}
