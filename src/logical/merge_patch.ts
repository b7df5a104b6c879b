/** JSON Merge Patch (RFC 7396). */
import { isJsonObject, type JsonObject } from "./json.ts";

/** The document with the patch applied: null removes, objects merge, anything else replaces. */
export function mergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...document };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete merged[name];
    else if (isJsonObject(value)) {
      const before = merged[name];
      merged[name] = mergePatch(isJsonObject(before) ? before : {}, value);
    } else merged[name] = value;
  }
  return merged;
}
