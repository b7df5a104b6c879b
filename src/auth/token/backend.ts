/** The token auth method: always mounted at `auth/token/`. */
import { defineBackend } from "../../backend/backend.ts";
import { standbyReads } from "../../backend/path.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { createPaths } from "./create.ts";
import { lookupPaths } from "./lookup.ts";
import { renewPaths } from "./renew.ts";
import { revokePaths } from "./revoke.ts";
import { loadRole, rolePaths } from "./role.ts";

export function tokenBackend(services: () => Services): LogicalBackend {
  return defineBackend({
    type: "token",
    help: "Makes, looks up, renews and revokes tokens.",
    // A role's period applies as it is today, not as it was when the token was made.
    async renewLogin(call, auth) {
      const { role: name } = call.internalData;
      const role = typeof name === "string" ? await loadRole(call.storage, name) : undefined;
      return role === undefined ? auth : { ...auth, periodSeconds: role.period };
    },
    paths: [
      ...createPaths(services),
      ...standbyReads(lookupPaths(services)),
      ...renewPaths(services),
      ...revokePaths(services),
      ...standbyReads(rolePaths),
    ],
  });
}
