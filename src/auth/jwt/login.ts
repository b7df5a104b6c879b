/** `login`: a signed token of someone else's against one of ours. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, LeaseCall } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { Auth } from "../../logical/auth.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { renewedAuth } from "../common/login_auth.ts";
import { checkAudience } from "./claims.ts";
import { type Config, groupSeparatorOf, readConfig, sourceOf } from "./config.ts";
import type { KeySets } from "./key_sets.ts";
import { algorithms, readPem } from "./keys.ts";
import { readRole } from "./role.ts";
import { checkTimes, fitting, readHeader, verifySignature } from "./verify.ts";
import { authOf, whoOf } from "./who.ts";

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
  checkAudience(claims, role.boundAudiences);
  const who = whoOf(name, role, claims, groupSeparatorOf(config));
  return { auth: authOf(call, name, role, who) };
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
  const known = source === undefined ? undefined : await keySets.get(source, fitting(header));
  const claims = await verifySignature(
    token,
    header,
    known?.keys ?? config.publicKeys.map(readPem),
  );
  const bound = config.boundIssuer || known?.provider?.issuer || "";
  if (bound !== "" && claims.iss !== bound) throw badRequest("invalid issuer (iss) claim");
  return claims;
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
