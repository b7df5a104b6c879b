/** Values in tables and for -field: the forms that scripts around this API already parse. */
import { ExactNumber, isList, isObject, type Json } from "../json.ts";

/** `<nil>`, `true`, `12`, `text`, `[a b]`, `map[a:1 b:2]`. */
export function valueText(value: Json): string {
  if (value === null) return "<nil>";
  if (value instanceof ExactNumber) return value.digits;
  if (isList(value)) return `[${value.map(valueText).join(" ")}]`;
  if (isObject(value)) {
    const pairs = Object.keys(value).sort().map((key) => `${key}:${valueText(value[key] ?? null)}`);
    return `map[${pairs.join(" ")}]`;
  }
  return String(value);
}

/** Lists of names with each in quotes: `["a" "b"]`. */
export function quotedList(value: Json | undefined): string {
  const items = isList(value) ? value.map((item) => JSON.stringify(valueText(item))) : [];
  return `[${items.join(" ")}]`;
}
