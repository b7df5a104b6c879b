/** From the parameters of a role to the token of one login, and back on renewal. */
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import { type Auth, newAuth, type TokenType } from "../../logical/auth.ts";
import type { MountInfo } from "../../core/backend.ts";
import type { RoleTokenType, TokenParams } from "./token_fields.ts";

/** What the method knows of the one who logged in. */
export type LoggedIn = Pick<Auth, "alias" | "groupAliases" | "metadata" | "internalData"> & {
  readonly displayName?: string;
  /** Where a credential narrows what its role allows. */
  readonly boundCidrs?: readonly string[];
};

/** The auth of a login. Throws a 400 where the mount forces a type that the role can't have. */
export function loginAuth(call: Call, params: TokenParams, who: LoggedIn): Auth {
  const tokenType = typeOf(call.mount, params.tokenType);
  if (tokenType === "batch" && (params.period > 0 || params.numUses > 0)) {
    throw badRequest("the mount makes batch tokens, which have neither period nor number of uses");
  }
  return newAuth({
    ...who,
    displayName: who.displayName ?? "",
    tokenPolicies: [...params.policies],
    leaseDurationSeconds: params.ttl,
    maxTtlSeconds: params.maxTtl,
    explicitMaxTtlSeconds: params.explicitMaxTtl,
    periodSeconds: params.period,
    numUses: params.numUses,
    boundCidrs: params.strictlyBindIp
      ? [call.request.connection.remoteAddress]
      : who.boundCidrs ?? params.boundCidrs,
    noDefaultPolicy: params.noDefaultPolicy,
    tokenType,
  });
}

/** A mount set to one type has only that; else the role may choose. */
function typeOf(mount: MountInfo, asked: RoleTokenType): TokenType {
  if (mount.tokenType === "service" || mount.tokenType === "batch") return mount.tokenType;
  if (asked !== "default") return asked;
  return mount.tokenType === "default-batch" ? "batch" : "service";
}

/** The TTLs of the role as it is today, for the renewal of a token that it once made. */
export function renewedAuth(auth: Auth, params: TokenParams): Auth {
  return {
    ...auth,
    leaseDurationSeconds: params.ttl,
    maxTtlSeconds: params.maxTtl,
    periodSeconds: params.period,
  };
}

/** Whether a role still grants what a token was made with. */
export function samePolicies(auth: Auth, params: TokenParams): boolean {
  const own = (names: readonly string[]) =>
    [...new Set(names)].filter((name) => name !== "default").sort().join("\n");
  return own(auth.tokenPolicies) === own(params.policies);
}
