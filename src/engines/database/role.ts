/** What is kept of a role: how its users are made and ended. */
import { storedText, utf8 } from "../../base/bytes.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { View } from "../../storage/transaction.ts";

/** TTLs in seconds, 0 for the mount's. */
export interface Role {
  readonly dbName: string;
  readonly creation: readonly string[];
  readonly revocation: readonly string[];
  readonly rollback: readonly string[];
  readonly renew: readonly string[];
  readonly defaultTtl: number;
  readonly maxTtl: number;
}

const prefix = "role/";

export async function readRole(storage: View, name: string): Promise<Role | undefined> {
  const bytes = await storage.get(prefix + name);
  if (bytes === undefined) return undefined;
  const role: Role = JSON.parse(storedText(bytes));
  return role;
}

export function saveRole(storage: View, name: string, role: Role): void {
  storage.put(prefix + name, utf8(JSON.stringify(role)));
}

export function deleteRole(storage: View, name: string): void {
  storage.delete(prefix + name);
}

export async function listRoles(storage: View): Promise<string[]> {
  return await storage.list(prefix);
}

/** A role as a read shows it. */
export function roleBody(role: Role): JsonObject {
  return {
    db_name: role.dbName,
    creation_statements: [...role.creation],
    revocation_statements: [...role.revocation],
    rollback_statements: [...role.rollback],
    renew_statements: [...role.renew],
    default_ttl: role.defaultTtl,
    max_ttl: role.maxTtl,
    credential_type: "password",
    credential_config: null,
  };
}
