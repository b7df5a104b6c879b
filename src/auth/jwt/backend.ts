/** The auth method jwt, also called oidc: whom another issuer vouches for. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { askedRole, roleOfToken } from "./asked_role.ts";
import { configPath } from "./config.ts";
import { KeySets } from "./key_sets.ts";
import { loginPath, renewJwtLogin } from "./login.ts";
import type { Network } from "./network.ts";
import { authUrlPath } from "./oidc/auth_url.ts";
import { callbackPath } from "./oidc/callback.ts";
import { OncePerRequest } from "./oidc/once.ts";
import type { OidcParts } from "./oidc/parts.ts";
import { pollPath } from "./oidc/poll.ts";
import { LoginRecords } from "./oidc/records.ts";
import { rolePaths } from "./role.ts";

/** The two names of one method. */
export type JwtType = "jwt" | "oidc";

/** `mayMount` rejects where the type can't be mounted yet. */
export function jwtBackend(
  services: () => Services,
  network: Network,
  type: JwtType = "jwt",
  mayMount: () => Promise<void> = () => Promise.resolve(),
): LogicalBackend {
  const platform = () => services().mounts.platform;
  const keySets = new KeySets(network.fetchDocument, () => platform().clock);
  const oidc: OidcParts = {
    services,
    keySets,
    callProvider: network.callProvider,
    vouched: new OncePerRequest(),
    records: new LoginRecords(),
  };
  return defineBackend({
    type,
    help: "Logs in with signed tokens of another issuer, given or fetched by browser.",
    initialize: mayMount,
    loginRole: (call) => askedRole(call, platform()),
    tokenRole: roleOfToken,
    renewLogin: renewJwtLogin,
    paths: [
      configPath(platform, keySets),
      ...rolePaths,
      loginPath(services, keySets),
      authUrlPath(oidc),
      callbackPath(oidc),
      pollPath(oidc),
    ],
  });
}
