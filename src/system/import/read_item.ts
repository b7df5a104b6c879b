/** Parts of an item's data. */
import { badRequest } from "../../base/failure.ts";
import { field, readFields } from "../../backend/field.ts";
import { isJsonObject } from "../../logical/json.ts";

/** Texts by name, null for none. */
export function pairsOrNull(value: unknown): Readonly<Record<string, string>> | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object") throw badRequest("metadata must be an object of texts");
  const pairs: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") throw badRequest("metadata must be an object of texts");
    pairs[key] = text;
  }
  return pairs;
}

/** An ID that becomes part of a key. */
export function checkId(name: string, id: string): string {
  if (id === "" || id.length > 512 || /[\/\s]/.test(id)) throw badRequest(`${name} is no ID`);
  return id;
}

const aliasFields = {
  id: field.string("ID of the alias.", ""),
  mount: field.string("Where its auth method is: auth/userpass/.", ""),
  name: field.string("Name there.", ""),
  metadata: field.any("Written by logins."),
  custom_metadata: field.any("Written by operators."),
  created: field.int("Milliseconds since the epoch.", 0),
  updated: field.int("Milliseconds since the epoch.", 0),
  merged_from: field.list("IDs of entities it was of.", []),
  local: field.bool("Of this cluster alone.", false),
};

/** An alias of an item, its mount still by its path. */
export function readAlias(value: unknown) {
  if (!isJsonObject(value)) throw badRequest("an alias must be an object");
  return readFields(aliasFields, value);
}
