/** The jwt auth method: whom another issuer vouches for. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { configPath } from "./config.ts";
import { type FetchDocument, KeySets } from "./key_sets.ts";
import { loginPath, renewJwtLogin } from "./login.ts";
import { rolePaths } from "./role.ts";

export function jwtBackend(
  services: () => Services,
  fetchDocument: FetchDocument,
): LogicalBackend {
  const keySets = new KeySets(fetchDocument, () => services().mounts.platform.clock);
  return defineBackend({
    type: "jwt",
    help: "Logs in with signed tokens of another issuer.",
    renewLogin: renewJwtLogin,
    paths: [configPath(keySets), ...rolePaths, loginPath(services, keySets)],
  });
}
