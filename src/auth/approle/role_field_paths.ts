/** `role/:role_name/…`: the fields of a role one by one. */
import { notFound } from "../../base/failure.ts";
import type { FieldMap } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { type JsonObject, orNull } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { readRole, type Role, saveRole, shownRanges } from "./role.ts";
import { changedRole, roleFields } from "./role_paths.ts";

type Change = Parameters<typeof changedRole>[1];

interface RoleField<F extends FieldMap> {
  readonly summary: string;
  readonly fields: F;
  readonly show: (role: Role) => JsonObject;
  readonly warnings?: readonly string[];
  /** What resets it; a field without can't be deleted. */
  readonly cleared?: Change;
  readonly readOnly?: boolean;
}

async function roleOf(call: Call, name: string): Promise<Role> {
  const role = await readRole(call, name);
  if (role === undefined) throw notFound();
  return role;
}

async function change(
  call: Call,
  name: string,
  wanted: Change,
  isReset = false,
): Promise<void> {
  const before = await roleOf(call, name);
  const after = changedRole(before, wanted);
  const emptied = (isReset ? before : after).emptied ?? [];
  const still = emptied.filter((field) => !isReset || wanted[field] === undefined);
  await saveRole(call, { ...after, emptied: still }, before);
}

/** The path of one field, or of the few names it goes by. */
function fieldPath<F extends FieldMap>(name: string, spec: RoleField<F>): Path {
  const { summary, fields, show, cleared } = spec;
  return path(`role/:role_name/${name}`, {
    summary,
    params: { role_name: "Name of the role" },
    fields,
    operations: {
      read: {
        summary,
        handler: async (call, { role_name }): Promise<LogicalResponse> => {
          const data = show(await roleOf(call, role_name));
          return spec.warnings === undefined ? { data } : { data, warnings: [...spec.warnings] };
        },
      },
      ...(spec.readOnly ? {} : {
        update: {
          summary: `Changes: ${summary}`,
          handler: (call: Call, { role_name, ...wanted }: { role_name: string }) =>
            change(call, role_name, wanted),
        },
      }),
      ...(cleared === undefined ? {} : {
        delete: {
          summary: `Resets: ${summary}`,
          handler: (call: Call, { role_name }: { role_name: string }) =>
            change(call, role_name, cleared, true),
        },
      }),
    },
  });
}

const f = roleFields;

export const roleFieldPaths: readonly Path[] = [
  fieldPath("role-id", {
    summary: "The role's ID.",
    fields: { role_id: f.role_id },
    show: ({ roleId }) => ({ role_id: roleId }),
  }),
  fieldPath("custom-role-id", {
    summary: "The role's ID.",
    fields: { role_id: f.role_id },
    show: ({ roleId }) => ({ role_id: roleId }),
  }),
  fieldPath("policies", {
    summary: "Policies of the tokens.",
    fields: { policies: f.policies, token_policies: f.token_policies },
    show: ({ params, former }) => ({
      token_policies: [...params.policies],
      ...(former.policies === undefined ? {} : { policies: former.policies }),
    }),
    cleared: { token_policies: [] },
  }),
  fieldPath("bind-secret-id", {
    summary: "Whether a login needs a secret ID.",
    fields: { bind_secret_id: f.bind_secret_id },
    show: ({ bindSecretId }) => ({ bind_secret_id: bindSecretId }),
    cleared: { bind_secret_id: true },
  }),
  fieldPath("secret-id-num-uses", {
    summary: "How often a secret ID can be used.",
    fields: { secret_id_num_uses: f.secret_id_num_uses },
    show: ({ secretIdNumUses }) => ({ secret_id_num_uses: secretIdNumUses }),
    cleared: { secret_id_num_uses: 0 },
  }),
  fieldPath("secret-id-ttl", {
    summary: "How long a secret ID lives.",
    fields: { secret_id_ttl: f.secret_id_ttl },
    show: ({ secretIdTtl }) => ({ secret_id_ttl: secretIdTtl }),
    cleared: { secret_id_ttl: 0 },
  }),
  fieldPath("secret-id-bound-cidrs", {
    summary: "Addresses that may log in.",
    fields: { secret_id_bound_cidrs: f.secret_id_bound_cidrs },
    show: (role) => shownRanges(role, "secret_id_bound_cidrs"),
    cleared: { secret_id_bound_cidrs: [] },
  }),
  fieldPath("bound-cidr-list", {
    summary: "Former name of secret-id-bound-cidrs.",
    fields: { bound_cidr_list: f.bound_cidr_list },
    show: ({ secretIdBoundCidrs }) => ({ bound_cidr_list: orNull(secretIdBoundCidrs) }),
    warnings: ["bound_cidr_list is the former name of secret_id_bound_cidrs"],
    cleared: { secret_id_bound_cidrs: [] },
  }),
  fieldPath("token-bound-cidrs", {
    summary: "Addresses that may use the tokens.",
    fields: { token_bound_cidrs: f.token_bound_cidrs },
    show: (role) => shownRanges(role, "token_bound_cidrs"),
    cleared: { token_bound_cidrs: [] },
  }),
  fieldPath("period", {
    summary: "What each renewal gives.",
    fields: { period: f.period, token_period: f.token_period },
    show: ({ params, former }) => ({
      token_period: params.period,
      ...(former.period === undefined ? {} : { period: former.period }),
    }),
    cleared: { token_period: 0 },
  }),
  fieldPath("token-num-uses", {
    summary: "How often a token can be used.",
    fields: { token_num_uses: f.token_num_uses },
    show: ({ params }) => ({ token_num_uses: params.numUses }),
    cleared: { token_num_uses: 0 },
  }),
  fieldPath("token-ttl", {
    summary: "How long a token lives at first.",
    fields: { token_ttl: f.token_ttl },
    show: ({ params }) => ({ token_ttl: params.ttl }),
    cleared: { token_ttl: 0 },
  }),
  fieldPath("token-max-ttl", {
    summary: "How long renewals can make a token live.",
    fields: { token_max_ttl: f.token_max_ttl },
    show: ({ params }) => ({ token_max_ttl: params.maxTtl }),
    cleared: { token_max_ttl: 0 },
  }),
  fieldPath("local-secret-ids", {
    summary: "Whether secret IDs stay in this cluster.",
    fields: {},
    show: ({ localSecretIds }) => ({ local_secret_ids: localSecretIds }),
    readOnly: true,
  }),
];
