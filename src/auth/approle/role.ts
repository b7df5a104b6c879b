/** A role: what its secret IDs and its tokens are like. */
import { type Awaitable, chain } from "../../base/awaitable.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import { type JsonObject, orNull } from "../../logical/json.ts";
import type { View } from "../../storage/transaction.ts";
import type { FormerNames, FormerValues } from "../common/former_names.ts";
import { defaultTokenParams, shownTokenParams, type TokenParams } from "../common/token_fields.ts";

/** Times in seconds; 0 for no limit. */
export interface Role {
  readonly name: string;
  readonly roleId: string;
  readonly bindSecretId: boolean;
  readonly secretIdBoundCidrs: readonly string[];
  readonly secretIdNumUses: number;
  readonly secretIdTtl: number;
  readonly localSecretIds: boolean;
  readonly params: TokenParams;
  readonly former: FormerValues;
  /** Lists of ranges that were set to nothing; they show as [] and those never set as null. */
  readonly emptied?: readonly RangeField[];
}

export type RangeField = "secret_id_bound_cidrs" | "token_bound_cidrs";

export const formerNames: FormerNames = { policies: "token_policies", period: "token_period" };

export const rolePrefix = "role/";
const idPrefix = "role_id/";
const longestRoleId = 512;

export function newRole(name: string, roleId: string): Role {
  return {
    name,
    roleId,
    bindSecretId: true,
    secretIdBoundCidrs: [],
    secretIdNumUses: 0,
    secretIdTtl: 0,
    localSecretIds: false,
    params: defaultTokenParams,
    former: {},
  };
}

/** Names have no case. */
export function readRole(call: Call, name: string): Awaitable<Role | undefined> {
  return call.cached(rolePrefix + name.toLowerCase(), decodeRole);
}

export function roleById(call: Call, roleId: string): Awaitable<Role | undefined> {
  if (roleId === "" || roleId.length > longestRoleId) return undefined;
  return chain(
    call.cached(idPrefix + encodeURIComponent(roleId), fromUtf8),
    (name) => name === undefined ? undefined : readRole(call, name),
  );
}

/** Keeps a role, `before` being what is kept of it now. Throws a 400 for what can't be. */
export async function saveRole(
  { storage }: Pick<Call, "storage">,
  role: Role,
  before: Role | undefined,
): Promise<void> {
  check(role);
  if (before?.roleId !== role.roleId) {
    const key = idPrefix + encodeURIComponent(role.roleId);
    const holder = await storage.get(key);
    if (holder !== undefined && fromUtf8(holder) !== role.name) {
      throw badRequest("role_id is already that of another role");
    }
    if (before !== undefined) storage.delete(idPrefix + encodeURIComponent(before.roleId));
    storage.put(key, utf8(role.name));
  }
  storage.put(rolePrefix + role.name, utf8(JSON.stringify(role)));
}

/** Forgets the role; its secret IDs are the caller's to remove. */
export function removeRole(storage: View, role: Role): void {
  storage.delete(rolePrefix + role.name);
  storage.delete(idPrefix + encodeURIComponent(role.roleId));
}

function check(role: Role): void {
  if (role.roleId === "") throw badRequest("role_id cannot be empty");
  if (role.roleId.length > longestRoleId) {
    throw badRequest(`role_id has more than ${longestRoleId} characters`);
  }
  if (role.secretIdNumUses < 0) throw badRequest("secret_id_num_uses cannot be negative");
  if (role.secretIdTtl < 0) throw badRequest("secret_id_ttl cannot be negative");
  const bound = role.secretIdBoundCidrs.length > 0 || role.params.boundCidrs.length > 0;
  if (!role.bindSecretId && !bound) {
    throw badRequest("at least one constraint should be enabled on the role");
  }
}

export function shownRole(role: Role): JsonObject {
  return {
    ...role.former,
    bind_secret_id: role.bindSecretId,
    local_secret_ids: role.localSecretIds,
    ...shownRanges(role, "secret_id_bound_cidrs"),
    secret_id_num_uses: role.secretIdNumUses,
    secret_id_ttl: role.secretIdTtl,
    ...shownTokenParams(role.params),
  };
}

/** A list as its role shows it. */
export function shownRanges(role: Role, name: RangeField): JsonObject {
  const list = name === "secret_id_bound_cidrs" ? role.secretIdBoundCidrs : role.params.boundCidrs;
  return { [name]: (role.emptied ?? []).includes(name) ? [...list] : orNull(list) };
}

function decodeRole(bytes: Uint8Array): Role {
  const role: Role = JSON.parse(fromUtf8(bytes));
  return role;
}

/** For renewals, which have no call. */
export async function readRoleFrom(storage: View, name: string): Promise<Role | undefined> {
  const bytes = await storage.get(rolePrefix + name.toLowerCase());
  return bytes === undefined ? undefined : decodeRole(bytes);
}
