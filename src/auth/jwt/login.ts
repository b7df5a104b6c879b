/** `login`: a signed token of someone else's against one of ours. */
import type { JWK } from "jose";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, LeaseCall } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { Auth } from "../../logical/auth.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { loginAuth, renewedAuth } from "../common/login_auth.ts";
import { checkAudience, checkBoundClaims, groupsOf, mappedMetadata, userOf } from "./claims.ts";
import { type Config, readConfig, sourceOf } from "./config.ts";
import type { KeySets } from "./key_sets.ts";
import { algorithms, fittingKeys, readPem } from "./keys.ts";
import { readRole, type Role } from "./role.ts";
import { checkTimes, readHeader, verifySignature } from "./verify.ts";

async function login(
  services: Services,
  keySets: KeySets,
  call: Call,
  roleName: string,
  token: string,
): Promise<LogicalResponse> {
  const config = await readConfig(call);
  if (config === undefined) throw badRequest("could not load configuration");
  const name = roleName || config.defaultRole;
  if (name === "") throw badRequest("missing role");
  if (token === "") throw badRequest("missing token");
  const role = await readRole(call.storage, name);
  if (role === undefined) throw badRequest(`role "${name}" could not be found`);
  if (role.type === "oidc") throw badRequest("role with oidc role_type is not allowed");
  const claims = await verifiedClaims(config, keySets, token);
  checkTimes(claims, {
    expiration: role.expirationLeeway,
    notBefore: role.notBeforeLeeway,
    clockSkew: role.clockSkewLeeway,
  }, services.tokens.clock.now());
  return { auth: authOf(call, name, role, claims) };
}

/** The claims of a token that a known key has signed, of the bound issuer. */
async function verifiedClaims(
  config: Config,
  keySets: KeySets,
  token: string,
): Promise<JsonObject> {
  const { supportedAlgorithms } = config;
  const header = readHeader(
    token,
    supportedAlgorithms.length === 0 ? algorithms : supportedAlgorithms,
  );
  const source = sourceOf(config);
  const isEnough = (keys: readonly JWK[]) =>
    fittingKeys(keys, header.algorithm, header.kid).length > 0;
  const { keys, issuer } = source === undefined
    ? { keys: config.publicKeys.map(readPem), issuer: "" }
    : await keySets.get(source, isEnough);
  const claims = await verifySignature(token, header, keys);
  const bound = config.boundIssuer || issuer;
  if (bound !== "" && claims.iss !== bound) throw badRequest("invalid issuer (iss) claim");
  return claims;
}

function authOf(call: Call, name: string, role: Role, claims: JsonObject): Auth {
  checkAudience(claims, role.boundAudiences);
  if (role.boundSubject !== "" && claims.sub !== role.boundSubject) {
    throw badRequest("sub claim does not match bound subject");
  }
  checkBoundClaims(claims, role.boundClaims ?? {}, role.boundClaimsType === "glob");
  const user = userOf(claims, role.userClaim, role.userClaimJsonPointer);
  const metadata = { ...mappedMetadata(claims, role.claimMappings ?? {}), role: name };
  const groupAliases = groupsOf(claims, role.groupsClaim);
  return loginAuth(call, role.params, {
    displayName: user,
    metadata,
    alias: { name: user, metadata },
    internalData: { role: name },
    ...(groupAliases === undefined ? {} : { groupAliases }),
  });
}

export function loginPath(services: () => Services, keySets: KeySets): Path {
  return path("login", {
    summary: "Logs in with a signed token.",
    fields: {
      role: field.lowercase("The role; the default one where none is given.", ""),
      jwt: field.string("The signed token.", ""),
    },
    unauthenticated: true,
    operations: {
      update: {
        summary: "Logs in with a signed token.",
        handler: (call, { role, jwt }) => login(services(), keySets, call, role.trim(), jwt.trim()),
      },
    },
  });
}

/** A renewal asks whether the role is still there. */
export async function renewJwtLogin(call: LeaseCall, auth: Auth): Promise<Auth> {
  const { role: name } = call.internalData;
  const role = typeof name === "string" ? await readRole(call.storage, name) : undefined;
  if (role === undefined) throw badRequest("the role does not exist any more");
  return renewedAuth(auth, role.params);
}
