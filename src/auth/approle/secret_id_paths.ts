/** `role/:role_name/secret-id…`: the life of a secret ID. */
import { badRequest, Failure, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { isJsonObject, type JsonValue, parseJson } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { checkCidrs, checkSubset } from "./cidrs.ts";
import { readRole, type Role } from "./role.ts";
import {
  accessorsOf,
  addSecretId,
  hashSecretId,
  placeOfAccessor,
  placeOfSecretId,
  readSecretId,
  removeSecretId,
  type SecretId,
  secretIdBody,
  type SecretIdPlace,
} from "./secret_id.ts";

const params = { role_name: "Name of the role" };

const newFields = {
  metadata: field.any("Metadata that its tokens carry: an object of texts, or its JSON."),
  cidr_list: field.list("Addresses that may log in with it.", []),
  token_bound_cidrs: field.list("Addresses that may use its tokens.", []),
  num_uses: field.int("How often it can be used; the role's where it is missing."),
  ttl: field.duration("How long it lives; the role's where it is missing."),
};

type Wanted = { readonly [K in keyof typeof newFields]: (typeof newFields)[K]["default"] };

const longestSecretId = 4096;

function readMetadata(given: JsonValue | undefined): Record<string, string> {
  if (given === undefined || given === null || given === "") return {};
  const value = typeof given === "string" ? parsed(given) : given;
  if (!isJsonObject(value)) throw badRequest("metadata must be a JSON object of texts");
  const metadata: Record<string, string> = {};
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") throw badRequest("metadata must be a JSON object of texts");
    metadata[key] = item;
  }
  return metadata;
}

function parsed(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest("metadata is not valid JSON");
    throw error;
  }
}

/** A limit may be tightened, never lifted; 0 is no limit. */
function within(name: string, asked: number | undefined, ofRole: number): number {
  if (asked === undefined) return ofRole;
  if (asked < 0) throw badRequest(`${name} cannot be negative`);
  if (ofRole > 0 && (asked === 0 || asked > ofRole)) {
    throw badRequest(`${name} cannot be higher than the role's secret_id_${name}`);
  }
  return asked;
}

async function create(
  services: Services,
  call: Call,
  role: Role,
  secretId: string,
  wanted: Wanted,
): Promise<LogicalResponse> {
  if (!role.bindSecretId) throw badRequest("bind_secret_id is not set on the role");
  const now = services.tokens.clock.now();
  const ttl = within("ttl", wanted.ttl, role.secretIdTtl);
  const entry: SecretId = {
    accessor: services.tokens.random.uuid(),
    numUses: within("num_uses", wanted.num_uses, role.secretIdNumUses),
    ttl,
    creationTime: now,
    expirationTime: ttl === 0 ? 0 : now + ttl * 1000,
    lastUpdatedTime: now,
    metadata: readMetadata(wanted.metadata),
    cidrList: checkCidrs("cidr_list", wanted.cidr_list),
    tokenBoundCidrs: checkCidrs("token_bound_cidrs", wanted.token_bound_cidrs),
  };
  checkSubset("cidr_list", entry.cidrList, role.secretIdBoundCidrs);
  checkSubset("token_bound_cidrs", entry.tokenBoundCidrs, role.params.boundCidrs);
  const place = { role: role.name, hash: hashSecretId(services, call, secretId) };
  await addSecretId(call.storage, place, entry);
  return {
    data: {
      secret_id: secretId,
      secret_id_accessor: entry.accessor,
      secret_id_num_uses: entry.numUses,
      secret_id_ttl: entry.ttl,
    },
  };
}

async function roleOf(call: Call, name: string): Promise<Role> {
  const role = await readRole(call, name);
  if (role === undefined) throw badRequest(`role "${name}" does not exist`);
  return role;
}

async function placeOfSecret(
  services: Services,
  call: Call,
  role: Role,
  secretId: string,
): Promise<SecretIdPlace> {
  if (secretId === "") throw badRequest("missing secret_id");
  return await placeOfSecretId(services, call, role, secretId);
}

function noAccessor(accessor: string): LogicalResponse {
  const error = `failed to find accessor entry for secret_id_accessor: ${JSON.stringify(accessor)}`;
  return { status: 404, data: { error } };
}

export function secretIdPaths(services: () => Services): Path[] {
  return [
    path("role/:role_name/secret-id/?", {
      summary: "Secret IDs of a role.",
      params,
      fields: newFields,
      operations: {
        list: {
          summary: "Lists the accessors of the role's secret IDs.",
          handler: async (call, { role_name }) => {
            const role = await roleOf(call, role_name);
            return { data: { keys: await accessorsOf(call.storage, role.name) } };
          },
        },
        update: {
          summary: "Makes a secret ID.",
          handler: async (call, input) => {
            const role = await readRole(call, input.role_name);
            if (role === undefined) throw notFound(`role "${input.role_name}" does not exist`);
            const secretId = services().tokens.random.uuid();
            return await create(services(), call, role, secretId, input);
          },
        },
      },
    }),
    path("role/:role_name/custom-secret-id", {
      summary: "A secret ID of the caller's choice.",
      params,
      fields: { ...newFields, secret_id: field.string("The secret ID.", "") },
      operations: {
        update: {
          summary: "Registers a secret ID.",
          handler: async (call, input) => {
            const role = await readRole(call, input.role_name);
            if (role === undefined) throw notFound(`role "${input.role_name}" does not exist`);
            if (input.secret_id === "") throw badRequest("missing secret_id");
            if (input.secret_id.length > longestSecretId) throw badRequest("secret_id is too long");
            return await create(services(), call, role, input.secret_id.trim(), input);
          },
        },
      },
    }),
    ...bySecretPaths(services),
    ...byAccessorPaths(),
  ];
}

function bySecretPaths(services: () => Services): Path[] {
  const fields = { secret_id: field.string("The secret ID.", "") };
  const destroy = {
    summary: "Destroys a secret ID.",
    handler: async (call: Call, input: { role_name: string; secret_id: string }) => {
      const role = await roleOf(call, input.role_name);
      const place = await placeOfSecret(services(), call, role, input.secret_id);
      const entry = await readSecretId(call, place);
      if (entry !== undefined) removeSecretId(call.storage, place, entry);
    },
  };
  return [
    path("role/:role_name/secret-id/lookup", {
      summary: "Tells of a secret ID.",
      params,
      fields,
      operations: {
        update: {
          summary: "Tells of a secret ID; an empty answer where there is none.",
          handler: async (call, input) => {
            const role = await roleOf(call, input.role_name);
            const place = await placeOfSecret(services(), call, role, input.secret_id);
            const entry = await readSecretId(call, place);
            return entry && { data: secretIdBody(entry, role) };
          },
        },
      },
    }),
    path("role/:role_name/secret-id/destroy", {
      summary: "Destroys a secret ID.",
      params,
      fields,
      operations: { update: destroy, delete: destroy },
    }),
  ];
}

function byAccessorPaths(): Path[] {
  const fields = { secret_id_accessor: field.string("Accessor of the secret ID.", "") };
  const destroy = {
    summary: "Destroys a secret ID.",
    handler: async (call: Call, input: { role_name: string; secret_id_accessor: string }) => {
      const { secret_id_accessor: accessor } = input;
      if (accessor === "") throw badRequest("missing secret_id_accessor");
      const role = await roleOf(call, input.role_name);
      const place = await placeOfAccessor(call.storage, role.name, accessor);
      const entry = place && await readSecretId(call, place);
      if (place === undefined || entry === undefined) {
        throw new Failure(404, "failed to find accessor entry for secret_id_accessor");
      }
      removeSecretId(call.storage, place, entry);
    },
  };
  return [
    path("role/:role_name/secret-id-accessor/lookup", {
      summary: "Tells of the secret ID with an accessor.",
      params,
      fields,
      operations: {
        update: {
          summary: "Tells of the secret ID with an accessor.",
          handler: async (call, input) => {
            const { secret_id_accessor: accessor } = input;
            if (accessor === "") throw badRequest("missing secret_id_accessor");
            const role = await roleOf(call, input.role_name);
            const place = await placeOfAccessor(call.storage, role.name, accessor);
            const entry = place && await readSecretId(call, place);
            if (entry === undefined) return noAccessor(accessor);
            return { data: secretIdBody(entry, role) };
          },
        },
      },
    }),
    path("role/:role_name/secret-id-accessor/destroy", {
      summary: "Destroys the secret ID with an accessor.",
      params,
      fields,
      operations: { update: destroy, delete: destroy },
    }),
  ];
}
