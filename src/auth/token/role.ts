/** Token roles: what `auth/token/create/<role>` makes. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { parseCidr } from "../../core/cidr.ts";
import type { View } from "../../storage/transaction.ts";
import type { TokenTypeSetting } from "../../core/mount_entry.ts";

/** Durations in seconds. */
export interface TokenRole {
  readonly name: string;
  readonly allowedPolicies: readonly string[];
  readonly disallowedPolicies: readonly string[];
  readonly allowedPoliciesGlob: readonly string[];
  readonly disallowedPoliciesGlob: readonly string[];
  readonly allowedEntityAliases: readonly string[];
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly pathSuffix: string;
  readonly period: number;
  readonly explicitMaxTtl: number;
  readonly boundCidrs: readonly string[];
  readonly numUses: number;
  readonly noDefaultPolicy: boolean;
  readonly tokenType: TokenTypeSetting;
  /** What was set by its former name is shown by it too. */
  readonly byFormerName: {
    readonly period?: number;
    readonly explicitMaxTtl?: number;
    readonly boundCidrs?: readonly string[];
  };
}

const prefix = "roles/";
const types: readonly string[] = ["service", "batch", "default-service", "default-batch"];

const fields = {
  allowed_policies: field.list("Policies a token of this role may ask for; empty for any."),
  disallowed_policies: field.list("Policies a token of this role may not have."),
  allowed_policies_glob: field.list("Like allowed_policies, with * for any characters."),
  disallowed_policies_glob: field.list("Like disallowed_policies, with * for any characters."),
  allowed_entity_aliases: field.list("Entity aliases a token may be made for, with * globs."),
  orphan: field.bool("Whether the tokens have no parent."),
  renewable: field.bool("Whether the tokens can be renewed."),
  path_suffix: field.string("A last part for the tokens' path, to revoke them together."),
  period: field.duration("Former name of token_period."),
  explicit_max_ttl: field.duration("Former name of token_explicit_max_ttl."),
  bound_cidrs: field.list("Former name of token_bound_cidrs."),
  token_period: field.duration("Period that each renewal gives, without a maximum."),
  token_explicit_max_ttl: field.duration("A maximum that no renewal can pass."),
  token_bound_cidrs: field.list("Addresses from which the tokens can be used."),
  token_num_uses: field.int("How often a token can be used; 0 for no limit."),
  token_no_default_policy: field.bool("Leaves the default policy out."),
  token_type: field.string("service, batch, default-service or default-batch."),
};

/** The role, or undefined where there is none. */
export async function readRole(call: Call, name: string): Promise<TokenRole | undefined> {
  return await loadRole(call.storage, name);
}

/** The same, from the token method's own keys. */
export async function loadRole(storage: View, name: string): Promise<TokenRole | undefined> {
  const bytes = await storage.get(prefix + name.toLowerCase());
  if (bytes === undefined) return undefined;
  const role: TokenRole = JSON.parse(fromUtf8(bytes));
  return role;
}

function newRole(name: string): TokenRole {
  return {
    name,
    allowedPolicies: [],
    disallowedPolicies: [],
    allowedPoliciesGlob: [],
    disallowedPoliciesGlob: [],
    allowedEntityAliases: [],
    orphan: false,
    renewable: true,
    pathSuffix: "",
    period: 0,
    explicitMaxTtl: 0,
    boundCidrs: [],
    numUses: 0,
    noDefaultPolicy: false,
    tokenType: "default-service",
    byFormerName: {},
  };
}

function isTokenType(text: string): text is TokenTypeSetting {
  return types.includes(text);
}

function readTokenType(text: string): TokenTypeSetting {
  if (isTokenType(text)) return text;
  throw badRequest(`invalid "token_type" value: one of ${types.join(", ")} is expected`);
}

function check(role: TokenRole): void {
  if (role.period < 0) throw badRequest("token_period cannot be negative");
  if (role.explicitMaxTtl < 0) throw badRequest("token_explicit_max_ttl cannot be negative");
  if (role.numUses < 0) throw badRequest("token_num_uses cannot be negative");
  for (const cidr of role.boundCidrs) {
    if (parseCidr(cidr) === undefined) throw badRequest("token_bound_cidrs holds no valid CIDR");
  }
  if (role.pathSuffix !== "" && !/^\w[\w-.]+\w$/.test(role.pathSuffix)) {
    throw badRequest("path_suffix may hold only letters, digits, dots and dashes");
  }
  if (role.tokenType !== "batch") return;
  if (!role.orphan) throw badRequest("'token_type' batch needs 'orphan' to be true");
  if (role.renewable) throw badRequest("'token_type' batch needs 'renewable' to be false");
  if (role.period !== 0 || role.explicitMaxTtl !== 0 || role.numUses !== 0) {
    throw badRequest("batch tokens have no period, explicit maximum or number of uses");
  }
}

/** As the API shows it. */
function shown(role: TokenRole) {
  return {
    name: role.name,
    allowed_policies: [...role.allowedPolicies],
    disallowed_policies: [...role.disallowedPolicies],
    allowed_policies_glob: [...role.allowedPoliciesGlob],
    disallowed_policies_glob: [...role.disallowedPoliciesGlob],
    allowed_entity_aliases: role.allowedEntityAliases.length === 0
      ? null
      : [...role.allowedEntityAliases],
    explicit_max_ttl: role.byFormerName.explicitMaxTtl ?? 0,
    orphan: role.orphan,
    path_suffix: role.pathSuffix,
    period: role.byFormerName.period ?? 0,
    renewable: role.renewable,
    token_explicit_max_ttl: role.explicitMaxTtl,
    token_no_default_policy: role.noDefaultPolicy,
    token_period: role.period,
    token_type: role.tokenType,
    ...(role.boundCidrs.length === 0 ? {} : { token_bound_cidrs: [...role.boundCidrs] }),
    ...(role.byFormerName.boundCidrs === undefined
      ? {}
      : { bound_cidrs: [...role.byFormerName.boundCidrs] }),
    ...(role.numUses === 0 ? {} : { token_num_uses: role.numUses }),
  };
}

export const rolePaths: readonly Path[] = [
  path("roles/?", {
    summary: "Lists the token roles.",
    operations: {
      list: {
        summary: "Lists the token roles.",
        handler: async (call) => ({ data: { keys: await call.storage.list(prefix) } }),
      },
    },
  }),
  path("roles/:role_name", {
    summary: "A token role.",
    params: { role_name: "Name of the role" },
    fields,
    exists: async (call, { role_name }) => await readRole(call, role_name) !== undefined,
    operations: {
      read: {
        summary: "Reads a token role.",
        handler: async (call, { role_name }) => {
          const role = await readRole(call, role_name);
          if (role === undefined) throw notFound();
          return { data: shown(role) };
        },
      },
      update: {
        summary: "Makes or changes a token role.",
        handler: async (call, input) => {
          const name = input.role_name.toLowerCase();
          const before = await readRole(call, name) ?? newRole(name);
          const role: TokenRole = {
            name,
            allowedPolicies: input.allowed_policies ?? before.allowedPolicies,
            disallowedPolicies: input.disallowed_policies ?? before.disallowedPolicies,
            allowedPoliciesGlob: input.allowed_policies_glob ?? before.allowedPoliciesGlob,
            disallowedPoliciesGlob: input.disallowed_policies_glob ?? before.disallowedPoliciesGlob,
            allowedEntityAliases: input.allowed_entity_aliases?.map((a) => a.toLowerCase()) ??
              before.allowedEntityAliases,
            orphan: input.orphan ?? before.orphan,
            renewable: input.renewable ?? before.renewable,
            pathSuffix: input.path_suffix ?? before.pathSuffix,
            period: input.token_period ?? input.period ?? before.period,
            explicitMaxTtl: input.token_explicit_max_ttl ?? input.explicit_max_ttl ??
              before.explicitMaxTtl,
            boundCidrs: input.token_bound_cidrs ?? input.bound_cidrs ?? before.boundCidrs,
            numUses: input.token_num_uses ?? before.numUses,
            noDefaultPolicy: input.token_no_default_policy ?? before.noDefaultPolicy,
            tokenType: input.token_type === undefined
              ? before.tokenType
              : readTokenType(input.token_type),
            byFormerName: {
              ...before.byFormerName,
              ...(input.period === undefined ? {} : { period: input.period }),
              ...(input.explicit_max_ttl === undefined
                ? {}
                : { explicitMaxTtl: input.explicit_max_ttl }),
              ...(input.bound_cidrs === undefined ? {} : { boundCidrs: input.bound_cidrs }),
            },
          };
          check(role);
          call.storage.put(prefix + name, utf8(JSON.stringify(role)));
        },
      },
      delete: {
        summary: "Deletes a token role. Tokens made with it live on.",
        handler: (call, { role_name }) => call.storage.delete(prefix + role_name.toLowerCase()),
      },
    },
  }),
];

/** Whether a text matches a pattern in which `*` stands for any characters. */
export function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
