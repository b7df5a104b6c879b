/** Small helpers that only tests use. */
export { seeded } from "../config/testing.ts";
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
