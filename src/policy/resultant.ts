import type { JsonObject, JsonValue } from "../logical/json.ts";
import type { Acl } from "./acl.ts";
import { capabilityBit, capabilityNames } from "./capability.ts";
import type { MergedRule } from "./merge.ts";
import { parsePattern } from "./pattern.ts";
import type { ParameterValues } from "./policy.ts";

/**
 * All rules of an ACL as `GET sys/internal/ui/resultant-acl` answers. Globs are named without their
 * star. Paths with `+`, which the peer leaves out, are in `segment_wildcard_paths` as they are.
 */
export function resultantAcl(acl: Acl): JsonObject {
  if (acl.isRoot) return { root: true };
  const maps: Record<"exact" | "prefix" | "segments", JsonObject> = {
    exact: {},
    prefix: {},
    segments: {},
  };
  for (const rule of acl.rules) {
    const { kind, fixed, path } = parsePattern(rule.path);
    maps[kind][kind === "prefix" ? fixed : path] = describe(rule);
  }
  return {
    root: false,
    exact_paths: maps.exact,
    glob_paths: maps.prefix,
    segment_wildcard_paths: maps.segments,
  };
}

function describe(rule: MergedRule): JsonObject {
  const denied = rule.capabilities === 0 || (rule.capabilities & capabilityBit.deny) !== 0;
  const out: JsonObject = { capabilities: denied ? ["deny"] : capabilityNames(rule.capabilities) };
  const extra: Record<string, JsonValue | undefined> = {
    allowed_parameters: plain(rule.allowedParameters),
    denied_parameters: plain(rule.deniedParameters),
    required_parameters: rule.requiredParameters && [...rule.requiredParameters],
    min_wrapping_ttl: rule.minWrappingTtl,
    max_wrapping_ttl: rule.maxWrappingTtl,
    pagination_limit: rule.paginationLimit,
  };
  for (const [key, value] of Object.entries(extra)) if (value !== undefined) out[key] = value;
  return out;
}

function plain(values: ParameterValues | undefined): JsonObject | undefined {
  if (values === undefined) return undefined;
  return Object.fromEntries([...values].map(([name, list]) => [name, [...list]]));
}
