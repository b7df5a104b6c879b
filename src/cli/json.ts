/**
 * JSON as the command line handles it: numbers that a double can't hold keep their digits, so that
 * what a node said is printed unchanged.
 */

/** A number that is printed with exactly the digits it was received with. */
export class ExactNumber {
  constructor(readonly digits: string) {}
}

export type Json =
  | null
  | boolean
  | number
  | string
  | ExactNumber
  | readonly Json[]
  | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Parses JSON text; undefined where it is malformed. */
export function parseJson(text: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(text, keepDigits);
    return toJson(parsed);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  if (source === undefined || source === String(value)) return value;
  return new ExactNumber(source);
}

function toJson(value: unknown): Json {
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "string" || value instanceof ExactNumber) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  }
  return null;
}

/** True for a JSON object: neither null nor a list nor a number with kept digits. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof ExactNumber);
}

/** True for a JSON list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The object, or an empty one in place of anything else. */
export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The list, or an empty one in place of anything else. */
export function asList(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

/** The text, or "" in place of anything that is not text. */
export function asText(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A number of either form as a double; 0 in place of anything else. */
export function asNumber(value: Json | undefined): number {
  if (typeof value === "number") return value;
  return value instanceof ExactNumber ? Number(value.digits) : 0;
}

/** JSON text: on one line, or indented by `indent` spaces. Keys keep their order. */
export function writeJson(value: Json, indent = 0, margin = ""): string {
  if (value instanceof ExactNumber) return value.digits;
  const inner = margin + " ".repeat(indent);
  const [open, gap] = indent === 0 ? ["", ""] : [`\n${inner}`, " "];
  const close = indent === 0 ? "" : `\n${margin}`;
  if (isList(value)) {
    if (value.length === 0) return "[]";
    const items = value.map((item) => writeJson(item, indent, inner));
    return `[${open}${items.join(`,${open}`)}${close}]`;
  }
  if (isObject(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0) return "{}";
    const items = entries.map(([key, item]) =>
      `${JSON.stringify(key)}:${gap}${writeJson(item, indent, inner)}`
    );
    return `{${open}${items.join(`,${open}`)}${close}}`;
  }
  return JSON.stringify(value);
}

/** The same value with the keys of every object in order of their code points. */
export function sortKeys(value: Json): Json {
  if (isList(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sortKeys(value[key] ?? null)]));
}
