/** `oidc/key/…`: the keys that sign identity tokens. */
import { badRequest, notFound } from "../../../base/failure.ts";
import { field } from "../../../backend/field.ts";
import { type Path, path } from "../../../backend/path.ts";
import type { Call } from "../../../core/backend.ts";
import {
  defaultKeyName,
  keyNames,
  keyPrefix,
  type OidcKey,
  readKey,
  rotateKey,
  saveKey,
  type SigningAlgorithm,
  signingAlgorithms,
} from "./key.ts";
import { keeperOf, type OidcParts } from "./parts.ts";
import { rolesOfKey } from "./role.ts";

const fields = {
  algorithm: field.string("RS256, ES256, EdDSA and their like."),
  rotation_period: field.duration("How long one key signs."),
  verification_ttl: field.duration("How long it verifies after that."),
  allowed_client_ids: field.list("Clients whose roles may use it; * for all."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

const day = 24 * 3600;
const shortestPeriod = 60;
/** So that the ring stays short. */
const mostVerifying = 10;

function readAlgorithm(text: string): SigningAlgorithm {
  const found = signingAlgorithms.find((one) => one === text);
  if (found === undefined) throw badRequest(`unknown signing algorithm "${text}"`);
  return found;
}

async function write(parts: OidcParts, call: Call, name: string, given: Given): Promise<void> {
  const keeper = keeperOf(parts);
  const before = await readKey(call, keeper, name);
  const key: OidcKey = {
    algorithm: given.algorithm === undefined
      ? before?.algorithm ?? "RS256"
      : readAlgorithm(given.algorithm),
    rotationPeriod: given.rotation_period ?? before?.rotationPeriod ?? day,
    verificationTtl: given.verification_ttl ?? before?.verificationTtl ?? day,
    allowedClientIds: given.allowed_client_ids ?? before?.allowedClientIds ?? [],
    rotatesAt: before?.rotatesAt ?? 0,
    ring: before?.ring ?? [],
  };
  if (key.rotationPeriod < shortestPeriod) {
    throw badRequest(`rotation_period must be at least ${shortestPeriod} seconds`);
  }
  if (key.verificationTtl < 0 || key.verificationTtl > mostVerifying * key.rotationPeriod) {
    throw badRequest(`verification_ttl cannot be longer than ${mostVerifying}x rotation_period`);
  }
  await saveKey(call, keeper, name, key, before);
}

export function oidcKeyPaths(parts: OidcParts): Path[] {
  return [
    path("oidc/key/?", {
      summary: "Lists the keys of identity tokens.",
      operations: {
        list: {
          summary: "Lists the keys.",
          handler: async (call) => ({ data: { keys: await keyNames(call) } }),
        },
      },
    }),
    path("oidc/key/:name/rotate", {
      summary: "A new signer for a key.",
      params: { name: "Name of the key" },
      fields: { verification_ttl: field.duration("How long the present one verifies on.") },
      operations: {
        update: {
          summary: "Rotates a key.",
          handler: async (call, { name, verification_ttl }) => {
            const key = await readKey(call, keeperOf(parts), name);
            if (key === undefined) throw badRequest(`no key named "${name}"`);
            await rotateKey(call, keeperOf(parts), name, key, verification_ttl);
          },
        },
      },
    }),
    path("oidc/key/:name", {
      summary: "A key of identity tokens.",
      params: { name: "Name of the key" },
      fields,
      operations: {
        read: {
          summary: "Reads a key; what signs is not shown.",
          handler: async (call, { name }) => {
            const key = await readKey(call, keeperOf(parts), name);
            if (key === undefined) throw notFound();
            return {
              data: {
                algorithm: key.algorithm,
                allowed_client_ids: [...key.allowedClientIds],
                rotation_period: key.rotationPeriod,
                verification_ttl: key.verificationTtl,
              },
            };
          },
        },
        update: {
          summary: "Makes or changes a key.",
          handler: (call, input) => write(parts, call, input.name, input),
        },
        delete: {
          summary: "Deletes a key that no role uses.",
          handler: async (call, { name }) => {
            if (name === defaultKeyName) throw badRequest("the default key can't be deleted");
            const users = await rolesOfKey(call, name);
            if (users.length > 0) {
              throw badRequest(`key "${name}" is used by roles: ${users.join(", ")}`);
            }
            call.storage.delete(keyPrefix + name);
          },
        },
      },
    }),
  ];
}
