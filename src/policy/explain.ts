import type { Acl, AclRequest, Decision } from "./acl.ts";
import { capabilityBit, capabilityNames, neededFor } from "./capability.ts";
import type { MergedRule } from "./merge.ts";
import { comparePriority, matchesPath, parsePattern, type PathPattern } from "./pattern.ts";

/** A rule whose path matches the request. */
export interface ConsideredRule {
  readonly path: string;
  readonly capabilities: string[];
  /** The stanzas it is made of. */
  readonly sources: readonly { readonly policy: string; readonly line: number }[];
  /** It decides. All others are not even looked at. */
  readonly decides: boolean;
  /** Would grant the capability, if it decided. */
  readonly grants: boolean;
}

/** Why a request is allowed or denied. For operators, never for the caller. */
export interface Explanation {
  readonly decision: Decision;
  /** One sentence. */
  readonly summary: string;
  /** Matching rules, the deciding one first, then by falling priority. */
  readonly considered: readonly ConsideredRule[];
  /** Capabilities that the request needs and does not have. */
  readonly missing: string[];
  /** A stanza that would allow the request; "" where adding one can't help or need not. */
  readonly stanza: string;
  /** Likely mistakes. */
  readonly hints: string[];
}

/** Explains a decision. Not for hot paths: it looks at every rule. */
export function explain(
  acl: Acl,
  request: AclRequest,
  /** The path of the API demands root privileges. */
  needsSudo = false,
): Explanation {
  const decision = acl.check(request);
  const considered = acl.isRoot ? [] : rulesFor(acl, request);
  const missing = missingOf(decision, request, needsSudo);
  return {
    decision,
    missing,
    summary: summaryOf(decision, request, missing),
    considered,
    stanza: stanzaOf(decision, request, missing),
    hints: decision.allowed ? [] : hintsOf(acl, request, considered),
  };
}

function missingOf(decision: Decision, request: AclRequest, needsSudo: boolean): string[] {
  if (decision.isRoot) return [];
  const missing: string[] = [];
  const needed = neededFor[request.operation];
  const granted = decision.rule?.capabilities ?? 0;
  const denied = decision.reason === "deny";
  if (needed !== 0 && (denied || (granted & needed) === 0)) missing.push(request.operation);
  if (needsSudo && (denied || !decision.sudo)) missing.push("sudo");
  return missing;
}

function summaryOf(decision: Decision, request: AclRequest, missing: string[]): string {
  const what = `${request.operation} on "${request.path}"`;
  if (decision.isRoot) return `${what} is allowed: the token has the root policy`;
  const rule = decision.rule === undefined ? "" : describeRule(decision.rule);
  if (decision.reason === "no-rule") return `${what} is denied: no rule matches the path`;
  if (decision.reason === "deny") return `${what} is denied by ${rule}`;
  if (missing.length > 0) {
    const lacking = missing.join(" and ");
    return rule === "" ? `${what} lacks ${lacking}` : `${what} is denied: ${rule} lacks ${lacking}`;
  }
  if (decision.problem !== undefined) return `${what} is denied by ${rule}: ${decision.problem}`;
  return rule === "" ? `${what} is allowed to everyone` : `${what} is allowed by ${rule}`;
}

function describeRule(rule: MergedRule): string {
  const policies = [...new Set(rule.sources.map(({ policy }) => `"${policy}"`))].join(", ");
  return `path "${rule.path}" of policy ${policies}`;
}

interface Match {
  readonly rule: MergedRule;
  readonly pattern: PathPattern;
  /** Only the path without its trailing slash matches. */
  readonly trimmed: boolean;
}

function rulesFor(acl: Acl, request: AclRequest): ConsideredRule[] {
  const needed = neededFor[request.operation];
  const deciding = acl.findRule(request.path, request.operation);
  return matchesOf(acl, request).sort(byPriority).map(({ rule }) => ({
    path: rule.path,
    capabilities: capabilityNames(rule.capabilities),
    sources: rule.sources.map((source) => ({ policy: source.policy, line: source.rule.at.line })),
    decides: rule === deciding,
    grants: (rule.capabilities & needed) !== 0 && (rule.capabilities & capabilityBit.deny) === 0,
  }));
}

function matchesOf(acl: Acl, { path, operation }: AclRequest): Match[] {
  const listing = operation === "list" || operation === "scan";
  const trimmedPath = listing && path.endsWith("/") ? path.slice(0, -1) : undefined;
  const out: Match[] = [];
  for (const rule of acl.rules) {
    const pattern = parsePattern(rule.path);
    if (matchesPath(pattern, path)) out.push({ rule, pattern, trimmed: false });
    else if (trimmedPath !== undefined && matchesPath(pattern, trimmedPath)) {
      out.push({ rule, pattern, trimmed: true });
    }
  }
  return out;
}

/** Exact paths first, with a slash before without; then patterns in the same way. */
function byPriority(a: Match, b: Match): number {
  const rank = ({ pattern, trimmed }: Match) =>
    (pattern.kind === "exact" ? 0 : 2) + Number(trimmed);
  return rank(a) - rank(b) || comparePriority(a.pattern, b.pattern);
}

/** What the deciding rule has stays in, because a new rule of the same path replaces nothing. */
function stanzaOf(decision: Decision, request: AclRequest, missing: string[]): string {
  if (missing.length === 0 || decision.reason === "deny") return "";
  const wanted = new Set([...capabilityNames(decision.rule?.capabilities ?? 0), ...missing]);
  const list = [...wanted].sort().map((name) => JSON.stringify(name)).join(", ");
  return `path ${JSON.stringify(request.path)} {\n  capabilities = [${list}]\n}\n`;
}

function hintsOf(acl: Acl, request: AclRequest, considered: readonly ConsideredRule[]): string[] {
  const hints: string[] = [];
  const shadowed = considered.find((rule) => !rule.decides && rule.grants);
  const deciding = considered.find((rule) => rule.decides);
  if (shadowed !== undefined && deciding !== undefined) {
    hints.push(`path "${shadowed.path}" would grant it, but "${deciding.path}" has priority`);
  }
  const meant = withoutKvSegment(request.path);
  if (meant !== undefined && acl.check({ ...request, path: meant }).allowed) {
    hints.push(
      `the policies allow it on "${meant}"; version 2 of kv has the secret at "${request.path}"`,
    );
  }
  const slashed = request.path.endsWith("/") ? request.path.slice(0, -1) : `${request.path}/`;
  if (acl.check({ ...request, path: slashed }).allowed) {
    hints.push(`the policies allow it on "${slashed}"; mind the slash at the end`);
  }
  return hints;
}

/** `secret/data/app` as people write it who think of version 1: `secret/app`. */
function withoutKvSegment(path: string): string | undefined {
  const match = /^(.+?\/)(?:data|metadata|delete|undelete|destroy|subkeys)\/(.*)$/.exec(path);
  return match === null ? undefined : `${match[1]}${match[2]}`;
}
