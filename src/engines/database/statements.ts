/** Statements as operators write them, and what their placeholders stand for. */
import { fromBase64, fromUtf8 } from "../../base/bytes.ts";
import { badRequest, describeError } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type JsonValue, parseJson } from "../../logical/json.ts";
import type { StatementValues } from "./plugin.ts";

/** A field that takes a list, a text with statements in it, or a list as JSON text. */
export function statementsField(description: string) {
  return field.any(`${description} A list, or one text.`);
}

/** The statements of such a field, as they were written. Throws a 400. */
export function readStatements(name: string, value: JsonValue): string[] {
  if (value === null || value === "") return [];
  if (Array.isArray(value)) {
    return value.map((item) => {
      if (typeof item !== "string") throw badRequest(`${name} must be text or a list of texts`);
      return item.trim();
    }).filter((item) => item !== "");
  }
  if (typeof value !== "string") throw badRequest(`${name} must be text or a list of texts`);
  const text = value.trim();
  if (text.startsWith("[")) readList(name, text);
  return text === "" ? [] : [text];
}

function readList(name: string, text: string): string[] {
  let list: JsonValue;
  try {
    list = parseJson(text);
  } catch (error) {
    throw badRequest(`${name} is no JSON list: ${describeError(error)}`);
  }
  return readStatements(name, list);
}

/** Statements hold blanks, which base64 does not. */
function fromBase64Text(text: string): string {
  const bytes = fromBase64(text);
  return bytes === undefined ? text : fromUtf8(bytes).trim();
}

/** What is to be run: a text may be a JSON list of statements, and either may be in base64. */
export function expandStatements(statements: readonly string[]): string[] {
  return statements.flatMap((one) => {
    const text = fromBase64Text(one);
    return text.startsWith("[") ? readList("a statement", text) : [text];
  });
}

/** A point in time as SQL databases read it. */
export function sqlTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")}+0000`;
}

/**
 * Puts values in the place of `{{name}}`, in one pass, so that nothing in a value is taken for a
 * placeholder. What is not known stays as it is.
 */
export function fillIn(
  statement: string,
  values: StatementValues,
  quote: (value: string) => string = (value) => value,
): string {
  return statement.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? whole : quote(value);
  });
}

/** The text of a statement without what must not be seen. */
export function scrub(message: string, secrets: Iterable<string>): string {
  let clean = message;
  for (const secret of secrets) {
    if (secret === "") continue;
    for (const form of [secret, encodeURIComponent(secret), secret.replaceAll("'", "''")]) {
      clean = clean.replaceAll(form, "[hidden]");
    }
  }
  return clean;
}
