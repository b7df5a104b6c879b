/** Small helpers that only tests use. */
import type { Operation } from "../logical/request.ts";
import type { Acl, AclRequest } from "./acl.ts";
import { compileAcl } from "./compile.ts";
import { parsePolicy } from "./parse.ts";

/** Compiles texts as policies `p0`, `p1`, … */
export function aclOf(...texts: readonly string[]): Acl {
  return compileAcl(texts.map((text, i) => parsePolicy(text, `p${i}`)), { nowMs: 1_000 });
}

/** Whether an operation is allowed. */
export function allows(
  acl: Acl,
  operation: Operation,
  path: string,
  rest: Partial<AclRequest> = {},
): boolean {
  return acl.check({ operation, path, ...rest }).allowed;
}

/** A generator with a seed (mulberry32), so that a failing run can be played again. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
