/** `role/:role_name`: roles as a whole. */
import { notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { applyFormerNames, keepFormerValues } from "../common/former_names.ts";
import { changeTokenParams, shownTokenParams, tokenFields } from "../common/token_fields.ts";
import { checkCidrs } from "./cidrs.ts";
import {
  formerNames,
  newRole,
  type RangeField,
  readRole,
  removeRole,
  type Role,
  rolePrefix,
  saveRole,
  shownRole,
} from "./role.ts";
import { removeAllOf } from "./secret_id.ts";

export const roleFields = {
  ...tokenFields,
  policies: field.list("Former name of token_policies."),
  period: field.duration("Former name of token_period."),
  bound_cidr_list: field.list("Former name of secret_id_bound_cidrs."),
  bind_secret_id: field.bool("Whether a login needs a secret ID."),
  secret_id_bound_cidrs: field.list("Addresses that may log in."),
  secret_id_num_uses: field.int("How often a secret ID can be used; 0 for no limit."),
  secret_id_ttl: field.duration("How long a secret ID lives; 0 for ever."),
  role_id: field.string("ID of the role; made up where none is given."),
  local_secret_ids: field.bool("Keeps secret IDs to this cluster; can't be changed later."),
};

type Given = { readonly [K in keyof typeof roleFields]?: (typeof roleFields)[K]["default"] };

function emptiedRanges(
  { emptied = [] }: Role,
  given: Readonly<Record<RangeField, readonly string[] | undefined>>,
): RangeField[] {
  const isEmpty = (name: RangeField) =>
    given[name] === undefined ? emptied.includes(name) : given[name].every((one) => one === "");
  return (["secret_id_bound_cidrs", "token_bound_cidrs"] as const).filter(isEmpty);
}

/** The role after a change; nothing is kept yet. */
export function changedRole(before: Role, wanted: Given): Role {
  const { given, came, gone } = applyFormerNames(formerNames, wanted);
  const params = changeTokenParams(before.params, given);
  const cidrs = given.secret_id_bound_cidrs ?? given.bound_cidr_list;
  const shown = shownTokenParams(params);
  return {
    ...before,
    params,
    emptied: emptiedRanges(before, {
      secret_id_bound_cidrs: cidrs,
      token_bound_cidrs: given.token_bound_cidrs,
    }),
    former: keepFormerValues(formerNames, before.former, { came, gone }, shown),
    roleId: given.role_id ?? before.roleId,
    bindSecretId: given.bind_secret_id ?? before.bindSecretId,
    secretIdBoundCidrs: cidrs === undefined
      ? before.secretIdBoundCidrs
      : checkCidrs("secret_id_bound_cidrs", cidrs),
    secretIdNumUses: given.secret_id_num_uses ?? before.secretIdNumUses,
    secretIdTtl: given.secret_id_ttl ?? before.secretIdTtl,
    localSecretIds: given.local_secret_ids ?? before.localSecretIds,
  };
}

async function write(
  services: Services,
  call: Call,
  name: string,
  wanted: Given,
): Promise<void> {
  const before = await readRole(call, name);
  const role = before ?? newRole(name.toLowerCase(), services.tokens.random.uuid());
  const after = changedRole(role, wanted);
  if (before !== undefined && before.localSecretIds !== after.localSecretIds) {
    throw badRequest("local_secret_ids can only be set when the role is made");
  }
  await saveRole(call, after, before);
}

export function rolePaths(services: () => Services): Path[] {
  return [
    path("role/?", {
      summary: "Lists the roles.",
      operations: {
        list: {
          summary: "Lists the roles.",
          handler: async (call) => ({ data: { keys: await call.storage.list(rolePrefix) } }),
        },
      },
    }),
    path("role/:role_name", {
      summary: "A role.",
      params: { role_name: "Name of the role" },
      fields: roleFields,
      exists: async (call, { role_name }) => await readRole(call, role_name) !== undefined,
      operations: {
        read: {
          summary: "Reads a role.",
          handler: async (call, { role_name }) => {
            const role = await readRole(call, role_name);
            if (role === undefined) throw notFound();
            return { data: shownRole(role) };
          },
        },
        update: {
          summary: "Makes or changes a role.",
          handler: (call, input) => write(services(), call, input.role_name, input),
        },
        delete: {
          summary: "Deletes a role with its secret IDs. Tokens live on, but can't be renewed.",
          handler: async (call, { role_name }) => {
            const role = await readRole(call, role_name);
            if (role === undefined) return;
            removeRole(call.storage, role);
            await removeAllOf(call.storage, role.name);
          },
        },
      },
    }),
  ];
}
