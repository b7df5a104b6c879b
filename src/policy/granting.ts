/** Which policies have allowed a request, for its audit entry. */
import type { Operation } from "../logical/request.ts";
import type { Decision } from "./acl.ts";
import { neededFor } from "./capability.ts";
import type { MergedRule } from "./merge.ts";

/** The same value for the same rule and operation, so that its text can be kept. */
export interface PolicyResults {
  readonly allowed: boolean;
  /** Names of the policies that grant the operation, without the others on the same path. */
  readonly granting: readonly string[];
}

const refused: PolicyResults = { allowed: false, granting: [] };
const byRoot: PolicyResults = { allowed: true, granting: ["root"] };
const byNone: PolicyResults = { allowed: true, granting: [] };

const known = new WeakMap<MergedRule, Map<Operation, PolicyResults>>();

export function policyResults(
  { allowed, isRoot, rule }: Pick<Decision, "allowed" | "isRoot" | "rule">,
  operation: Operation,
): PolicyResults {
  if (!allowed) return refused;
  if (isRoot) return byRoot;
  if (rule === undefined) return byNone;
  let byOperation = known.get(rule);
  if (byOperation === undefined) known.set(rule, byOperation = new Map());
  let results = byOperation.get(operation);
  if (results === undefined) {
    results = { allowed, granting: grantingPolicies(rule, operation) };
    byOperation.set(operation, results);
  }
  return results;
}

function grantingPolicies({ sources }: MergedRule, operation: Operation): string[] {
  const needed = neededFor[operation];
  const granting = sources.filter(({ rule }) => (rule.capabilities & needed) !== 0);
  return [...new Set(granting.map(({ policy }) => policy))];
}
