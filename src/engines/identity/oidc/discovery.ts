/** `oidc/.well-known/…`: how others find the keys (OpenID Connect Discovery 1.0). */
import { type Path, path } from "../../../backend/path.ts";
import type { JsonObject } from "../../../logical/json.ts";
import { publicKeys, signingAlgorithms } from "./key.ts";
import { issuerOf, keeperOf, type OidcParts, plainJson } from "./parts.ts";

export function oidcDiscoveryPaths(parts: OidcParts): Path[] {
  return [
    path("oidc/.well-known/openid-configuration", {
      summary: "The discovery document.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Reads the discovery document.",
          handler: async (call) => {
            const issuer = await issuerOf(parts, call);
            return plainJson({
              issuer,
              jwks_uri: `${issuer}/.well-known/keys`,
              response_types_supported: ["id_token"],
              subject_types_supported: ["public"],
              id_token_signing_alg_values_supported: [...signingAlgorithms],
            }, { "Cache-Control": "max-age=3600" });
          },
        },
      },
    }),
    path("oidc/.well-known/keys", {
      summary: "The public keys.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Reads the public keys.",
          handler: async (call) => {
            const keys = await publicKeys(call, keeperOf(parts));
            const body: JsonObject = JSON.parse(JSON.stringify({ keys }));
            return plainJson(body, { "Cache-Control": "no-store" });
          },
        },
      },
    }),
  ];
}
