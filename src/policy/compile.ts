import { Acl } from "./acl.ts";
import { mergeRules } from "./merge.ts";
import type { ParsedPolicy } from "./policy.ts";

export interface CompileOptions {
  /** Milliseconds since the epoch; rules that have expired by then are left out. */
  readonly nowMs: number;
}

/**
 * Compiles the policies of a token. Templated policies must have been expanded; rules that still
 * hold a template grant nothing. The policy named `root` allows everything, whatever else is there.
 */
export function compileAcl(policies: readonly ParsedPolicy[], { nowMs }: CompileOptions): Acl {
  if (policies.some((policy) => policy.name === "root")) return new Acl([], true, undefined);
  let validUntil: number | undefined;
  for (const policy of policies) {
    for (const { expiresAt } of policy.rules) {
      if (expiresAt === undefined || expiresAt <= nowMs) continue;
      validUntil = Math.min(validUntil ?? expiresAt, expiresAt);
    }
  }
  return new Acl(mergeRules(policies, nowMs), false, validUntil);
}
