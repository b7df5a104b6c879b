/**
 * Fields under the names they had before `token_…`. A value that came so counts for the new name
 * and is shown under both; writing the new name forgets the former one.
 */
import type { JsonObject, JsonValue } from "../../logical/json.ts";

/** New name by former name. */
export type FormerNames = Readonly<Record<string, string>>;

/** Values under former names, as they are shown. */
export type FormerValues = Readonly<Record<string, JsonValue>>;

/** The request with what came under former names moved, and the former values to keep. */
export function applyFormerNames<T extends Readonly<Record<string, unknown>>>(
  names: FormerNames,
  given: T,
): { given: T; came: readonly string[]; gone: readonly string[] } {
  const moved: Record<string, unknown> = {};
  const came: string[] = [];
  const gone: string[] = [];
  for (const [former, name] of Object.entries(names)) {
    if (given[name] !== undefined) gone.push(former);
    else if (given[former] !== undefined) {
      moved[name] = given[former];
      came.push(former);
    }
  }
  return { given: { ...given, ...moved }, came, gone };
}

/** The former values after a change; `shown` is the role under its new names. */
export function keepFormerValues(
  names: FormerNames,
  before: FormerValues,
  change: { readonly came: readonly string[]; readonly gone: readonly string[] },
  shown: JsonObject,
): FormerValues {
  const after: Record<string, JsonValue> = { ...before };
  for (const former of change.gone) delete after[former];
  for (const former of change.came) {
    const value = shown[names[former] ?? ""] ?? 0;
    // Nothing is no former value, and not shown.
    if (value === 0 || (Array.isArray(value) && value.length === 0)) delete after[former];
    else after[former] = value;
  }
  return after;
}
