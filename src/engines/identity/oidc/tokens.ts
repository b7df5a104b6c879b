/** Identity tokens: signed statements of who the caller is, for others to verify. */
import { compactVerify, decodeProtectedHeader, importJWK, SignJWT } from "jose";
import { fromUtf8, utf8 } from "../../../base/bytes.ts";
import { badRequest, permissionDenied } from "../../../base/failure.ts";
import { field } from "../../../backend/field.ts";
import { type Path, path } from "../../../backend/path.ts";
import type { Call } from "../../../core/backend.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../../logical/json.ts";
import type { LogicalResponse } from "../../../logical/response.ts";
import { publicKeys, readKey, signingAlgorithms, signingKey } from "./key.ts";
import {
  configKey,
  issuerOf,
  issuerSetting,
  keeperOf,
  type OidcParts,
  plainJson,
} from "./parts.ts";
import { readRole } from "./role.ts";
import { fillTemplate } from "./template.ts";

async function issue(parts: OidcParts, call: Call, roleName: string): Promise<LogicalResponse> {
  const { token, transaction } = call;
  if (token === undefined) throw permissionDenied();
  const role = await readRole(call, roleName);
  if (role === undefined) throw badRequest(`role "${roleName}" not found`);
  const keeper = keeperOf(parts);
  const key = await readKey(call, keeper, role.key);
  if (key === undefined) throw badRequest(`key "${role.key}" not found`);
  const { allowedClientIds } = key;
  if (!allowedClientIds.includes("*") && !allowedClientIds.includes(role.clientId)) {
    throw badRequest("the key does not list the client ID of the role as an allowed client ID");
  }
  const { views } = parts.services().identity;
  const view = token.entityId === "" ? undefined : await views.get(transaction, token.entityId);
  if (view === undefined) throw badRequest("no entity associated with the request's token");
  const now = Math.floor(keeper.now / 1000);
  const signer = await signingKey(call, keeper, role.key, key);
  const claims = {
    ...fillTemplate(role.template, view, now),
    iss: await issuerOf(parts, call),
    sub: view.entity.id,
    aud: role.clientId,
    iat: now,
    exp: now + role.ttl,
    namespace: view.entity.namespaceId,
  };
  const signed = await new SignJWT(claims)
    .setProtectedHeader({ alg: signer.algorithm, kid: signer.kid })
    .sign(await importJWK(signer.privateKey, signer.algorithm));
  return { data: { client_id: role.clientId, token: signed, ttl: role.ttl } };
}

/** Why a token is not good, or undefined. */
async function problemOf(
  parts: OidcParts,
  call: Call,
  token: string,
  clientId: string,
): Promise<string | undefined> {
  const keeper = keeperOf(parts);
  const claims = await verified(call, parts, token);
  if (claims === undefined) return "unable to validate the token signature";
  if (claims.iss !== await issuerOf(parts, call)) return "invalid issuer";
  if (clientId !== "" && claims.aud !== clientId) return "invalid audience";
  if (typeof claims.exp !== "number" || claims.exp * 1000 <= keeper.now) return "token is expired";
  const { entities } = parts.services().identity;
  const entity = typeof claims.sub === "string"
    ? await entities.follow(call.transaction, claims.sub)
    : undefined;
  if (entity === undefined) return "entity was not found";
  return entity.disabled ? "entity is disabled" : undefined;
}

async function verified(
  call: Call,
  parts: OidcParts,
  token: string,
): Promise<JsonObject | undefined> {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    const keys = await publicKeys(call, keeperOf(parts));
    const key = keys.find((one) => one.kid === kid && one.alg === alg);
    if (key === undefined || alg === undefined) return undefined;
    const { payload } = await compactVerify(token, await importJWK(key, alg), {
      algorithms: [...signingAlgorithms],
    });
    const claims: JsonValue = parseJson(fromUtf8(payload));
    return isJsonObject(claims) ? claims : undefined;
  } catch (error) {
    // Whatever is wrong with it: it is none of ours.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function checkIssuer(issuer: string): string {
  if (issuer === "") return "";
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const good = url !== undefined && /^https?:$/.test(url.protocol) && url.search === "" &&
    url.hash === "" && url.username === "";
  if (!good) throw badRequest("invalid issuer: an http or https URL without query is expected");
  return issuer.replace(/\/+$/, "");
}

export function oidcTokenPaths(parts: OidcParts): Path[] {
  return [
    path("oidc/config", {
      summary: "The issuer of identity tokens.",
      fields: { issuer: field.string("Address of the issuer; this node's where empty.", "") },
      operations: {
        read: {
          summary: "Reads the configuration.",
          handler: async (call) => ({ data: { issuer: await issuerSetting(call) } }),
        },
        update: {
          summary: "Sets the configuration.",
          handler: (call, { issuer }) => {
            const kept = checkIssuer(issuer);
            call.storage.put(configKey, utf8(JSON.stringify({ issuer: kept })));
            if (kept === "") return;
            return { warnings: ["Tokens must be verified against this issuer from now on."] };
          },
        },
      },
    }),
    path("oidc/token/:name", {
      summary: "An identity token for the caller.",
      params: { name: "Name of the role" },
      operations: {
        read: {
          summary: "Signs an identity token.",
          handler: (call, { name }) => issue(parts, call, name),
        },
      },
    }),
    path("oidc/introspect", {
      summary: "Whether an identity token is good.",
      fields: {
        token: field.string("The identity token.", ""),
        client_id: field.string("Its audience, where it matters.", ""),
      },
      operations: {
        update: {
          summary: "Verifies an identity token.",
          handler: async (call, { token, client_id }) => {
            const error = await problemOf(parts, call, token, client_id);
            return plainJson(error === undefined ? { active: true } : { active: false, error });
          },
        },
      },
    }),
  ];
}
