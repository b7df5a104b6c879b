import type { HclItem, HclObject, HclValue, Position } from "../config/hcl/ast.ts";
import { describeKind } from "../config/hcl/ast.ts";
import { HclError } from "../config/hcl/error.ts";
import { parseDuration } from "../config/units.ts";
import type { JsonValue } from "../logical/json.ts";
import {
  capabilityBit,
  capabilityNames,
  type CapabilitySet,
  isCapability,
  oldPolicyWords,
} from "./capability.ts";
import { listFilterProblem } from "./list_filter.ts";
import type { ParameterValues, PolicyRule } from "./policy.ts";
import { templateProblem } from "./template.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Reader = (rule: Mutable<PolicyRule>, value: HclValue, path: string) => void;

/** The keys of a stanza. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["policy", (rule, value, path) => rule.capabilities |= oldWord(value, path)],
  ["capabilities", (rule, value, path) => rule.capabilities |= capabilities(value, path)],
  ["allowed_parameters", (rule, value) => rule.allowedParameters = parameters(value)],
  ["denied_parameters", (rule, value) => rule.deniedParameters = parameters(value)],
  ["required_parameters", (rule, value) => rule.requiredParameters = names(value)],
  ["min_wrapping_ttl", (rule, value) => rule.minWrappingTtl = duration(value)],
  ["max_wrapping_ttl", (rule, value) => rule.maxWrappingTtl = duration(value)],
  ["expiration", (rule, value) => rule.expiresAt = time(value)],
  ["pagination_limit", (rule, value) => rule.paginationLimit = positive(value)],
  ["list_scan_response_keys_filter_path", (rule, value) => rule.listFilterPath = filter(value)],
  ["comment", (rule, value) => rule.comment = text(value)],
  // Old step-up MFA; the peer ignores it too.
  ["mfa_methods", (_rule, value) => void names(value)],
  ["control_group", refuseControlGroup],
]);

/** Reads one stanza. Throws HclError. */
export function readRule(label: string, at: Position, body: HclObject): PolicyRule {
  const path = label.startsWith("/") ? label.slice(1) : label;
  if (path.includes("+*")) {
    refuse(at, `path "${path}": invalid use of wildcards, '+*' is forbidden`);
  }
  const templated = path.includes("{{") || path.includes("}}");
  const problem = templated ? templateProblem(path) : undefined;
  if (problem !== undefined) refuse(at, `path "${path}": ${problem}`);
  const rule: Mutable<PolicyRule> = { path, at, capabilities: 0, templated };
  for (const item of body.items) readKey(rule, item);
  if (rule.minWrappingTtl && rule.maxWrappingTtl && rule.maxWrappingTtl < rule.minWrappingTtl) {
    refuse(at, `path "${path}": max_wrapping_ttl cannot be less than min_wrapping_ttl`);
  }
  // Whatever else the stanza says, deny means that nothing is allowed.
  if ((rule.capabilities & capabilityBit.deny) !== 0) {
    return { path, at, capabilities: capabilityBit.deny, templated, ...expiry(rule) };
  }
  return rule;
}

function expiry(rule: PolicyRule): { expiresAt?: number } {
  return rule.expiresAt === undefined ? {} : { expiresAt: rule.expiresAt };
}

function readKey(rule: Mutable<PolicyRule>, item: HclItem): void {
  const key = item.keys[0];
  const reader = readers.get(key.text);
  if (reader === undefined) {
    const known = [...readers.keys()].slice(0, -2).join(", ");
    refuse(key.at, `path "${rule.path}": invalid key "${key.text}"; expected one of ${known}`);
  }
  if (item.keys.length > 1) refuse(key.at, `"${key.text}" takes no label`);
  if (item.value.kind !== "null") reader(rule, item.value, rule.path);
}

function capabilities(value: HclValue, path: string): CapabilitySet {
  let set = 0;
  for (const item of list(value)) {
    const name = text(item);
    if (!isCapability(name)) {
      const known = capabilityNames(-1).join(", ");
      refuse(item.at, `path "${path}": invalid capability "${name}"; expected one of ${known}`);
    }
    set |= capabilityBit[name];
  }
  return set;
}

function oldWord(value: HclValue, path: string): CapabilitySet {
  const word = text(value);
  const set = Object.hasOwn(oldPolicyWords, word) ? oldPolicyWords[word] : undefined;
  if (set === undefined) refuse(value.at, `path "${path}": invalid policy "${word}"`);
  return set;
}

function parameters(value: HclValue): ParameterValues {
  if (value.kind !== "object") return expected(value, "a map of parameter names to lists");
  const out = new Map<string, readonly JsonValue[]>();
  for (const item of value.items) {
    if (item.keys.length > 1) refuse(item.at, "expected a map of parameter names to lists");
    const name = item.keys[0].text.toLowerCase();
    if (out.has(name)) refuse(item.at, `parameter "${name}" is named twice`);
    out.set(name, list(item.value).map(json));
  }
  return out;
}

function json(value: HclValue): JsonValue {
  if (value.kind === "null") return null;
  if (value.kind === "list") return value.items.map(json);
  if (value.kind !== "object") return value.value;
  return Object.fromEntries(value.items.map((item) => {
    if (item.keys.length > 1) refuse(item.at, "a value can't have labels");
    return [item.keys[0].text, json(item.value)];
  }));
}

function names(value: HclValue): string[] {
  return list(value).map((item) => text(item).toLowerCase());
}

function list(value: HclValue): readonly HclValue[] {
  return value.kind === "list" ? value.items : expected(value, "a list");
}

function text(value: HclValue): string {
  return value.kind === "string" ? value.value : expected(value, "a string");
}

function scalar(value: HclValue): string | number | undefined {
  return value.kind === "string" || value.kind === "number" ? value.value : undefined;
}

function duration(value: HclValue): number {
  const given = scalar(value);
  const seconds = given === undefined ? undefined : parseDuration(given);
  return seconds !== undefined && seconds >= 0
    ? seconds
    : expected(value, 'a duration such as "5m"');
}

function positive(value: HclValue): number {
  const given = Number(scalar(value));
  return Number.isSafeInteger(given) && given > 0 ? given : expected(value, "a number above 0");
}

/** A time as in RFC 3339, or seconds since the epoch. */
function time(value: HclValue): number {
  const given = scalar(value);
  if (typeof given === "number") return given * 1000;
  const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
  const at = given !== undefined && rfc3339.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(at) ? expected(value, "a date and time such as 2030-01-31T00:00:00Z") : at;
}

function filter(value: HclValue): string {
  const template = text(value);
  const problem = listFilterProblem(template);
  if (problem !== undefined) refuse(value.at, problem);
  return template;
}

/**
 * A control group asks for approvals before the answer is released. Holdfast has none, and to
 * grant at once what was meant to wait for two people would be worse than to refuse the policy.
 */
function refuseControlGroup(_rule: PolicyRule, value: HclValue): void {
  refuse(value.at, "control_group is not supported: without approvals the rule would grant more");
}

function expected(value: HclValue, what: string): never {
  refuse(value.at, `expected ${what}, found ${describeKind(value)}`);
}

function refuse(at: Position, problem: string): never {
  throw new HclError("", at.line, at.column, problem);
}
