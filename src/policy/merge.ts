import type { JsonValue } from "../logical/json.ts";
import { capabilityBit, type CapabilitySet } from "./capability.ts";
import type { ParameterValues, ParsedPolicy, PolicyRule } from "./policy.ts";

/** A stanza and the policy it comes from. */
export interface RuleSource {
  readonly policy: string;
  readonly rule: PolicyRule;
}

/** All stanzas with one path, from all policies of a token, as one. */
export interface MergedRule {
  readonly path: string;
  readonly capabilities: CapabilitySet;
  readonly allowedParameters: ParameterValues | undefined;
  readonly deniedParameters: ParameterValues | undefined;
  readonly requiredParameters: readonly string[] | undefined;
  readonly minWrappingTtl: number | undefined;
  readonly maxWrappingTtl: number | undefined;
  readonly paginationLimit: number | undefined;
  readonly listFilterPath: string | undefined;
  /** Some field beside the capabilities restricts the request. */
  readonly restricted: boolean;
  readonly sources: readonly RuleSource[];
}

/**
 * Merges stanzas by path: capabilities add up, deny wins, the values of parameters add up (an
 * empty list, which means any value, wins), requirements add up, and of two limits the lower one
 * counts, also of two minimal wrapping TTLs. As Vault documents and the peer does.
 */
export function mergeRules(policies: readonly ParsedPolicy[], nowMs: number): MergedRule[] {
  const byPath = new Map<string, RuleSource[]>();
  for (const policy of policies) {
    for (const rule of policy.rules) {
      if (rule.templated || (rule.expiresAt !== undefined && rule.expiresAt <= nowMs)) continue;
      const source = { policy: policy.name, rule };
      const others = byPath.get(rule.path);
      if (others === undefined) byPath.set(rule.path, [source]);
      else others.push(source);
    }
  }
  return [...byPath].map(([path, sources]) => mergeSources(path, sources));
}

function mergeSources(path: string, all: readonly RuleSource[]): MergedRule {
  const denying = all.filter(({ rule }) => (rule.capabilities & capabilityBit.deny) !== 0);
  const sources = denying.length > 0 ? denying : all;
  const rules = sources.map(({ rule }) => rule);
  const merged = {
    path,
    sources,
    capabilities: rules.reduce((set, rule) => set | rule.capabilities, 0),
    allowedParameters: mergeValues(rules.map((rule) => rule.allowedParameters)),
    deniedParameters: mergeValues(rules.map((rule) => rule.deniedParameters)),
    requiredParameters: union(rules.map((rule) => rule.requiredParameters)),
    minWrappingTtl: lowest(rules.map((rule) => rule.minWrappingTtl)),
    maxWrappingTtl: lowest(rules.map((rule) => rule.maxWrappingTtl)),
    paginationLimit: lowest(rules.map((rule) => rule.paginationLimit)),
    listFilterPath: rules.find((rule) => rule.listFilterPath !== undefined)?.listFilterPath,
  };
  return { ...merged, restricted: isRestricted(merged) };
}

function isRestricted(rule: Omit<MergedRule, "restricted">): boolean {
  return rule.allowedParameters !== undefined || rule.deniedParameters !== undefined ||
    rule.requiredParameters !== undefined || rule.minWrappingTtl !== undefined ||
    rule.maxWrappingTtl !== undefined || rule.paginationLimit !== undefined ||
    rule.listFilterPath !== undefined;
}

function mergeValues(all: readonly (ParameterValues | undefined)[]): ParameterValues | undefined {
  const out = new Map<string, readonly JsonValue[]>();
  for (const values of all) {
    for (const [name, list] of values ?? []) {
      const before = out.get(name);
      const any = list.length === 0 || before?.length === 0;
      out.set(name, any ? [] : [...before ?? [], ...list]);
    }
  }
  // An empty map says nothing, as in the peer.
  return out.size === 0 ? undefined : out;
}

function union(all: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const names = new Set(all.flatMap((some) => some ?? []));
  return names.size === 0 ? undefined : [...names];
}

/** The lowest number that is set; 0 counts as not set. */
function lowest(all: readonly (number | undefined)[]): number | undefined {
  const set = all.filter((value) => value !== undefined && value > 0);
  return set.length === 0 ? undefined : Math.min(...set.map(Number));
}
