import type { ParsedPolicy } from "./policy.ts";

/**
 * The same policy with its paths under a namespace: a policy says `kv/app`, the request of the
 * namespace `team/` is checked as `team/kv/app`.
 *
 * @param prefix path of the namespace with its trailing slash, "" for the root namespace
 */
export function inNamespace(policy: ParsedPolicy, prefix: string): ParsedPolicy {
  if (prefix === "") return policy;
  return { ...policy, rules: policy.rules.map((rule) => ({ ...rule, path: prefix + rule.path })) };
}
