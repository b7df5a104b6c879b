/** `roles/`. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { JsonValue } from "../../logical/json.ts";
import { deleteRole, listRoles, readRole, type Role, roleBody, saveRole } from "./role.ts";
import { readStatements, statementsField } from "./statements.ts";

const fields = {
  db_name: field.string("The connection that the role uses."),
  creation_statements: statementsField("Make a user."),
  revocation_statements: statementsField("End a user; without them it is dropped."),
  rollback_statements: statementsField("Clean up after a creation that failed."),
  renew_statements: statementsField("Move a user's end; without them its VALID UNTIL."),
  default_ttl: field.duration("Seconds that a user lives; 0 for the mount's default."),
  max_ttl: field.duration("Seconds that renewals may add up to; 0 for the mount's maximum."),
  credential_type: field.string("Only password.", "password"),
  credential_config: field.pairs("Accepted for compatibility."),
};

type RoleInput = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

function merge(input: RoleInput, before: Role | undefined): Role {
  const list = (name: string, value: JsonValue | undefined, old?: readonly string[]) =>
    value === undefined ? old ?? [] : readStatements(name, value);
  const role = {
    dbName: input.db_name ?? before?.dbName ?? "",
    creation: list("creation_statements", input.creation_statements, before?.creation),
    revocation: list("revocation_statements", input.revocation_statements, before?.revocation),
    rollback: list("rollback_statements", input.rollback_statements, before?.rollback),
    renew: list("renew_statements", input.renew_statements, before?.renew),
    defaultTtl: input.default_ttl ?? before?.defaultTtl ?? 0,
    maxTtl: input.max_ttl ?? before?.maxTtl ?? 0,
  };
  if (role.dbName === "") throw badRequest("empty database name attribute");
  if (input.credential_type !== "password") {
    throw badRequest("credential_type can only be password");
  }
  if (role.defaultTtl < 0 || role.maxTtl < 0) throw badRequest("a TTL cannot be negative");
  if (role.maxTtl > 0 && role.defaultTtl > role.maxTtl) {
    throw badRequest("default_ttl cannot be more than max_ttl");
  }
  return role;
}

export function rolePaths(): Path[] {
  return [
    path("roles/?", {
      summary: "The roles.",
      operations: {
        list: {
          summary: "Lists the roles.",
          handler: async (call) => ({ data: { keys: await listRoles(call.storage) } }),
        },
      },
    }),
    path("roles/:name", {
      summary: "A role: how its users are made and ended.",
      params: { name: "The role" },
      fields,
      exists: async (call, { name }) => await readRole(call.storage, name) !== undefined,
      operations: {
        read: {
          summary: "Reads a role.",
          handler: async (call, { name }) => {
            const role = await readRole(call.storage, name);
            if (role === undefined) throw notFound();
            return { data: roleBody(role) };
          },
        },
        update: {
          summary: "Makes or changes a role.",
          handler: async (call, input) => {
            saveRole(
              call.storage,
              input.name,
              merge(input, await readRole(call.storage, input.name)),
            );
          },
        },
        delete: {
          summary: "Deletes a role. Its users keep their leases.",
          handler: (call, { name }) => deleteRole(call.storage, name),
        },
      },
    }),
  ];
}
