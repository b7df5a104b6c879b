/** `oidc/role/…`: what an identity token says, for whom, and for how long. */
import { fromUtf8, utf8 } from "../../../base/bytes.ts";
import { badRequest, notFound } from "../../../base/failure.ts";
import { field } from "../../../backend/field.ts";
import { type Path, path } from "../../../backend/path.ts";
import type { Call } from "../../../core/backend.ts";
import { randomBase62 } from "../../../base/base62.ts";
import { readKey } from "./key.ts";
import { keeperOf, type OidcParts } from "./parts.ts";
import { checkTemplate, readTemplate } from "./template.ts";

export interface OidcRole {
  readonly key: string;
  readonly template: string;
  /** Seconds. */
  readonly ttl: number;
  readonly clientId: string;
}

const prefix = "oidc/role/";
const day = 24 * 3600;

const fields = {
  key: field.string("Name of the key that signs."),
  template: field.string("Claims beside the usual ones, JSON with {{…}}."),
  ttl: field.duration("How long a token lives."),
  client_id: field.string("Audience of the tokens; made up where none is given."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

export async function readRole(call: Call, name: string): Promise<OidcRole | undefined> {
  const bytes = await call.storage.get(prefix + name);
  if (bytes === undefined) return undefined;
  const role: OidcRole = JSON.parse(fromUtf8(bytes));
  return role;
}

/** Roles that use a key. */
export async function rolesOfKey(call: Call, key: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await call.storage.list(prefix)) {
    if ((await readRole(call, name))?.key === key) names.push(name);
  }
  return names;
}

async function write(parts: OidcParts, call: Call, name: string, given: Given): Promise<void> {
  const before = await readRole(call, name);
  const keeper = keeperOf(parts);
  const role: OidcRole = {
    key: given.key ?? before?.key ?? "",
    template: given.template === undefined ? before?.template ?? "" : readTemplate(given.template),
    ttl: given.ttl ?? before?.ttl ?? day,
    clientId: given.client_id || before?.clientId || randomBase62(keeper.random, 26),
  };
  if (role.key === "") throw badRequest("the key parameter is required");
  const key = await readKey(call, keeper, role.key);
  if (key === undefined) throw badRequest(`cannot find key "${role.key}"`);
  if (role.ttl > key.verificationTtl) {
    throw badRequest("a role's token ttl cannot be longer than the verification_ttl of its key");
  }
  checkTemplate(role.template);
  call.storage.put(prefix + name, utf8(JSON.stringify(role)));
}

export function oidcRolePaths(parts: OidcParts): Path[] {
  return [
    path("oidc/role/?", {
      summary: "Lists the roles of identity tokens.",
      operations: {
        list: {
          summary: "Lists the roles.",
          handler: async (call) => ({ data: { keys: await call.storage.list(prefix) } }),
        },
      },
    }),
    path("oidc/role/:name", {
      summary: "A role of identity tokens.",
      params: { name: "Name of the role" },
      fields,
      exists: async (call, { name }) => await readRole(call, name) !== undefined,
      operations: {
        read: {
          summary: "Reads a role.",
          handler: async (call, { name }) => {
            const role = await readRole(call, name);
            if (role === undefined) throw notFound();
            const { key, template, ttl, clientId } = role;
            return { data: { client_id: clientId, key, template, ttl } };
          },
        },
        update: {
          summary: "Makes or changes a role.",
          handler: (call, input) => write(parts, call, input.name, input),
        },
        delete: {
          summary: "Deletes a role.",
          handler: (call, { name }) => call.storage.delete(prefix + name),
        },
      },
    }),
  ];
}
