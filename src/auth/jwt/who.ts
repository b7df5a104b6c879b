/** From verified claims and a role to the one who logs in. */
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { Auth } from "../../logical/auth.ts";
import type { JsonObject } from "../../logical/json.ts";
import { loginAuth } from "../common/login_auth.ts";
import { checkBoundClaims, groupsOf, mappedMetadata, userOf } from "./claims.ts";
import type { Role } from "./role.ts";

export interface Who {
  readonly user: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Metadata of the token alone. */
  readonly tokenMetadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[] | null;
}

/** Throws a 400 where the claims are not those that the role asks for. */
export function whoOf(
  name: string,
  role: Role,
  claims: JsonObject,
  groupSeparator: string | undefined,
): Who {
  if (role.boundSubject !== "" && claims.sub !== role.boundSubject) {
    throw badRequest("sub claim does not match bound subject");
  }
  checkBoundClaims(claims, role.boundClaims ?? {}, role.boundClaimsType === "glob");
  return {
    user: userOf(claims, role.userClaim, role.userClaimJsonPointer),
    metadata: { ...mappedMetadata(claims, role.claimMappings ?? {}), role: name },
    tokenMetadata: {},
    groups: groupsOf(claims, role.groupsClaim, groupSeparator) ?? null,
  };
}

/** What their token is to be like. */
export function authOf(call: Call, name: string, role: Role, who: Who): Auth {
  const { user, metadata, tokenMetadata, groups } = who;
  return loginAuth(call, role.params, {
    displayName: user,
    metadata: { ...metadata, ...tokenMetadata },
    alias: { name: user, metadata },
    internalData: { role: name },
    ...(groups === null ? {} : { groupAliases: groups }),
  });
}
