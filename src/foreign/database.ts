/** Connections and roles of the database engine. */
import type { JsonObject } from "../logical/json.ts";
import type { Item } from "./items.ts";
import type { ForeignMount } from "./mount_table.ts";
import type { Opened } from "./opened.ts";
import { numberAt, objectAt, secondsAt, textAt, textsAt } from "./read_json.ts";

/** Kinds of credentials by the numbers that they are stored as. */
const credentialTypes = ["password", "rsa_private_key", "client_certificate"];

export async function* databaseItems(
  opened: Opened,
  { prefix, path }: ForeignMount,
): AsyncGenerator<Item> {
  for (const [name, entry] of await entriesBelow(opened, `${prefix}config/`)) {
    yield {
      kind: "write",
      path: `${path}config/${name}`,
      data: {
        // Texts as the operator gave them, the password among them.
        ...objectAt(entry, "connection_details"),
        plugin_name: textAt(entry, "plugin_name"),
        allowed_roles: textsAt(entry, "allowed_roles"),
        root_rotation_statements: textsAt(entry, "root_credentials_rotate_statements"),
        password_policy: textAt(entry, "password_policy"),
        // The database need not be in reach of who moves in.
        verify_connection: false,
      },
    };
  }
  for (const [name, entry] of await entriesBelow(opened, `${prefix}role/`)) {
    yield { kind: "write", path: `${path}roles/${name}`, data: roleData(entry) };
  }
  opened.leaveBelow(
    `${prefix}static-role/`,
    `static roles of ${path}`,
    "making them anew gives their users a new password",
  );
}

function roleData(entry: JsonObject): JsonObject {
  const statements = objectAt(entry, "statements");
  return {
    db_name: textAt(entry, "db_name"),
    creation_statements: textsAt(statements, "creation"),
    revocation_statements: textsAt(statements, "revocation"),
    rollback_statements: textsAt(statements, "rollback"),
    renew_statements: textsAt(statements, "renewal"),
    default_ttl: secondsAt(entry, "default_ttl"),
    max_ttl: secondsAt(entry, "max_ttl"),
    credential_type: credentialTypes[numberAt(entry, "credential_type")] ?? "unknown",
  };
}

async function entriesBelow(opened: Opened, folder: string): Promise<[string, JsonObject][]> {
  const found: [string, JsonObject][] = [];
  for (const key of opened.below(folder)) {
    const entry = await opened.object(key);
    if (entry !== undefined) found.push([key.slice(folder.length), entry]);
  }
  return found;
}
