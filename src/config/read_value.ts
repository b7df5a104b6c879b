import { describeKind, type HclObject, type HclValue } from "./hcl/ast.ts";
import { toPlain } from "./hcl/query.ts";
import type { KeyDef } from "./table.ts";
import { parseDuration, parseSize } from "./units.ts";

/** A value, or what is wrong with it. */
export type Read = { readonly value: unknown } | { readonly problem: string };

/** Reads a value by its key's type, as weakly as Vault does: `"1"` is a number and a bool. */
export function readValue(def: KeyDef, given: HclValue): Read {
  switch (def.type) {
    case "strings":
      return readStrings(given);
    case "labels":
      return readLabels(given);
    case "headers":
      return readHeaders(given);
    case "any":
      return { value: toPlain(given) };
    case "block":
    case "blocks":
      return { problem: "expected a block in braces" };
  }
  if (given.kind === "list" || given.kind === "object" || given.kind === "null") {
    return { problem: `expected ${expectation(def)}, found ${describeKind(given)}` };
  }
  const text = given.kind === "number" && def.type === "string" ? given.text : given.value;
  return readScalar(def, text);
}

/** Reads a value that is text to begin with: one from the environment. */
export function readScalar(def: KeyDef, given: string | number | boolean): Read {
  const value = scalarValue(def, given);
  if (value === undefined) {
    const shown = def.secret === true ? "" : `, found ${JSON.stringify(given)}`;
    return { problem: `expected ${expectation(def)}${shown}` };
  }
  const bounds = boundsProblem(def, value);
  return bounds === undefined ? { value } : { problem: bounds };
}

function scalarValue(def: KeyDef, given: string | number | boolean): unknown {
  switch (def.type) {
    case "string": {
      const text = String(given);
      if (def.values === undefined) return text;
      return def.values.find((allowed) => allowed.toLowerCase() === text.toLowerCase());
    }
    case "bool":
      return readBool(given);
    case "int":
      return readInt(given);
    case "duration":
      if (typeof given === "boolean") return undefined;
      if (def.none === true && given === "none") return 0;
      return given === "" ? 0 : parseDuration(given);
    case "size":
      return typeof given === "boolean" ? undefined : parseSize(given);
    case "strings":
      return splitCommas(String(given));
    default:
      return undefined;
  }
}

function readBool(given: string | number | boolean): boolean | undefined {
  if (typeof given === "boolean") return given;
  if (typeof given === "number") return given === 0 ? false : given === 1 ? true : undefined;
  if (/^(1|t|true)$/i.test(given)) return true;
  return /^(0|f|false|)$/i.test(given) ? false : undefined;
}

function readInt(given: string | number | boolean): number | undefined {
  if (typeof given === "boolean") return undefined;
  const text = String(given).trim();
  const octal = /^0[0-7]+$/.test(text);
  const value = text === "" ? Number.NaN : octal ? Number.parseInt(text, 8) : Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function boundsProblem(def: KeyDef, value: unknown): string | undefined {
  if (typeof value !== "number") return undefined;
  if (def.min !== undefined && value < def.min) return `must not be below ${def.min}`;
  if (def.max !== undefined && value > def.max) return `must not be above ${def.max}`;
  return undefined;
}

function readStrings(given: HclValue): Read {
  if (given.kind === "string") return { value: splitCommas(given.value) };
  if (given.kind !== "list") return { problem: `expected a list, found ${describeKind(given)}` };
  const out: string[] = [];
  for (const item of given.items) {
    if (item.kind === "list" || item.kind === "object" || item.kind === "null") {
      return { problem: `expected a list of strings, found ${describeKind(item)} in it` };
    }
    out.push(item.kind === "number" ? item.text : String(item.value));
  }
  return { value: out };
}

function splitCommas(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

function readLabels(given: HclValue): Read {
  const out = new Map<string, string>();
  if (given.kind === "list") {
    for (const item of given.items) {
      const read = readLabels(item);
      if ("problem" in read) return read;
      for (const [key, value] of Object.entries(read.value ?? {})) out.set(key, String(value));
    }
    return { value: Object.fromEntries(out) };
  }
  if (given.kind !== "object") return { problem: `expected a map, found ${describeKind(given)}` };
  for (const { keys, value } of given.items) {
    if (keys.length > 1 || value.kind === "list" || value.kind === "object") {
      return { problem: "expected a map of strings" };
    }
    if (value.kind !== "null") out.set(keys[0].text, String(value.value));
  }
  return { value: Object.fromEntries(out) };
}

function readHeaders(given: HclValue): Read {
  if (given.kind !== "object") return { problem: `expected a block, found ${describeKind(given)}` };
  const out: [string, unknown][] = [];
  for (const { keys, value } of given.items) {
    const status = keys[0].text;
    if (!/^(default|[1-5]xx|[1-5]\d\d)$/.test(status)) {
      return { problem: `"${status}" is no status; expected default, 2xx or 307` };
    }
    if (value.kind !== "object") return { problem: `expected a map of headers for "${status}"` };
    const headers = readHeaderMap(value);
    if ("problem" in headers) return headers;
    out.push([status, headers.value]);
  }
  return { value: Object.fromEntries(out) };
}

function readHeaderMap({ items }: HclObject): Read {
  const out: [string, string[]][] = [];
  for (const { keys, value } of items) {
    const name = keys[0].text;
    const read = readStrings(value);
    if ("problem" in read) return { problem: `header "${name}": ${read.problem}` };
    // A header's single value may hold commas.
    out.push([name, value.kind === "string" ? [value.value] : strings(read.value)]);
  }
  return { value: Object.fromEntries(out) };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function expectation(def: KeyDef): string {
  if (def.values !== undefined) return `one of ${def.values.join(", ")}`;
  if (def.type === "bool") return "true or false";
  if (def.type === "int") return "a whole number";
  if (def.type === "duration") return 'a duration such as "90s" or "1h30m"';
  if (def.type === "size") return 'a size such as 1048576 or "32MiB"';
  return `a ${def.type}`;
}
