import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "../logical/json.ts";
import type { MergedRule } from "./merge.ts";

/**
 * What is wrong with a request's parameters by a rule, or undefined. Names are compared in lower
 * case. The sentence names parameters, never values. Order as documented by Vault: required, then
 * denied, then allowed; a request without parameters is bound by the first alone.
 */
export function parameterProblem(rule: MergedRule, data: JsonObject): string | undefined {
  for (const name of rule.requiredParameters ?? []) {
    if (!Object.hasOwn(data, name)) return `required parameter "${name}" is missing`;
  }
  const given = Object.keys(data);
  if (given.length === 0) return undefined;
  return deniedProblem(rule, data, given) ?? allowedProblem(rule, data, given);
}

function deniedProblem(rule: MergedRule, data: JsonObject, given: string[]): string | undefined {
  const denied = rule.deniedParameters;
  if (denied === undefined) return undefined;
  if (denied.has("*")) return "all parameters are denied";
  for (const name of given) {
    const values = denied.get(name.toLowerCase());
    if (values !== undefined && isListed(data[name], values)) {
      const what = values.length === 0 ? "" : "the value of ";
      return `${what}parameter "${name}" is denied`;
    }
  }
  return undefined;
}

function allowedProblem(rule: MergedRule, data: JsonObject, given: string[]): string | undefined {
  const allowed = rule.allowedParameters;
  if (allowed === undefined) return undefined;
  const others = allowed.has("*");
  if (others && allowed.size === 1) return undefined;
  for (const name of given) {
    const values = allowed.get(name.toLowerCase());
    if (values === undefined) {
      if (!others) return `parameter "${name}" is not among the allowed ones`;
    } else if (!isListed(data[name], values)) {
      return `the value of parameter "${name}" is not among the allowed ones`;
    }
  }
  return undefined;
}

function isListed(value: JsonValue | undefined, list: readonly JsonValue[]): boolean {
  return list.length === 0 || list.some((listed) => matches(listed, value ?? null));
}

/**
 * Strings match with a `*` at either end, everything else as a whole. Numbers compare by value
 * (the peer never matches one, so that its `denied_parameters = { n = [5] }` lets 5 pass).
 */
function matches(listed: JsonValue, value: JsonValue): boolean {
  if (typeof listed === "string") return typeof value === "string" && globMatches(listed, value);
  if (isRawNumber(value)) return typeof listed === "number" && listed === Number(value.rawJSON);
  if (Array.isArray(listed)) {
    return Array.isArray(value) && listed.length === value.length &&
      listed.every((item, i) => same(item, value[i]));
  }
  return same(listed, value);
}

function same(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (isRawNumber(b)) return a === Number(b.rawJSON);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  if (isJsonObject(a)) {
    if (!isJsonObject(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
  }
  return a === b;
}

/** `*mid*`, `*end`, `start*` or the whole; a star elsewhere is a star. */
export function globMatches(pattern: string, text: string): boolean {
  if (pattern === "*") return true;
  const open = pattern.startsWith("*");
  const close = pattern.endsWith("*");
  if (open && close) return text.includes(pattern.slice(1, -1));
  if (open) return text.endsWith(pattern.slice(1));
  return close ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
