import type { JsonObject } from "../logical/json.ts";
import type { Operation } from "../logical/request.ts";
import {
  type Capability,
  capabilityBit,
  capabilityNames,
  type CapabilitySet,
  neededFor,
} from "./capability.ts";
import { listFilterPath } from "./list_filter.ts";
import type { MergedRule } from "./merge.ts";
import { parameterProblem } from "./parameters.ts";
import { RuleIndex } from "./rule_index.ts";

/** What an ACL must know of a request. */
export interface AclRequest {
  /** Full path with its namespace, without a leading slash. */
  readonly path: string;
  readonly operation: Operation;
  /** Body fields, or for reads and lists the query's. */
  readonly data?: JsonObject;
  /** Seconds of wrapping the caller asks for; absent or 0 for none. */
  readonly wrapTtlSeconds?: number;
}

/** Why a request is denied. */
export type DenialReason = "no-rule" | "deny" | "capability" | "wrapping" | "parameters";

export interface Decision {
  readonly allowed: boolean;
  /** The token has the root policy. */
  readonly isRoot: boolean;
  /** The token has root privileges on this path, as some paths of the API require. */
  readonly sudo: boolean;
  /** The deciding rule with its sources; absent for root, for help and where no rule matches. */
  readonly rule?: MergedRule;
  readonly reason?: DenialReason;
  /** Names of parameters and limits, never values. For the operator, not for the caller. */
  readonly problem?: string;
}

const rootDecision: Decision = { allowed: true, isRoot: true, sudo: true };
const helpDecision: Decision = { allowed: true, isRoot: false, sudo: false };
const noRule: Decision = { allowed: false, isRoot: false, sudo: false, reason: "no-rule" };

/** Compiled policies of a token. Immutable, and so safe to cache by policy set. */
export class Acl {
  readonly #index: RuleIndex;

  constructor(
    /** All merged rules, for explanations and `sys/internal/ui/resultant-acl`. */
    readonly rules: readonly MergedRule[],
    readonly isRoot: boolean,
    /** Milliseconds since the epoch at which a rule expires and the ACL must be compiled anew. */
    readonly validUntil: number | undefined,
  ) {
    this.#index = new RuleIndex(rules);
  }

  /** Decides on a request. Takes about a microsecond and does not throw. */
  check(request: AclRequest): Decision {
    if (this.isRoot) return rootDecision;
    const needed = neededFor[request.operation];
    if (needed === 0) return helpDecision;
    const listing = request.operation === "list" || request.operation === "scan";
    const rule = this.#index.find(request.path, listing);
    if (rule === undefined) return noRule;
    const set = rule.capabilities;
    if ((set & capabilityBit.deny) !== 0) return denied(rule, false, "deny");
    const sudo = (set & capabilityBit.sudo) !== 0;
    if ((set & needed) === 0) return denied(rule, sudo, "capability");
    if (rule.restricted) {
      const problem = wrappingProblem(rule, request.wrapTtlSeconds ?? 0);
      if (problem !== undefined) return denied(rule, sudo, "wrapping", problem);
      const other = this.#dataProblem(rule, request, listing);
      if (other !== undefined) return denied(rule, sudo, "parameters", other);
    }
    return { allowed: true, isRoot: false, sudo, rule };
  }

  /** Capabilities on a path as `sys/capabilities` answers: sorted, `["root"]` or `["deny"]`. */
  capabilities(path: string): string[] {
    if (this.isRoot) return ["root"];
    const set = this.capabilitySet(path);
    return set === 0 || (set & capabilityBit.deny) !== 0 ? ["deny"] : capabilityNames(set);
  }

  /** Bits of the deciding rule, 0 where none matches. Not meant for root. */
  capabilitySet(path: string): CapabilitySet {
    return this.#index.find(path, true)?.capabilities ?? 0;
  }

  /** The deciding rule, before its restrictions. Not meant for root. */
  findRule(path: string, operation: Operation): MergedRule | undefined {
    return this.#index.find(path, operation === "list" || operation === "scan");
  }

  /** Whether a path may be used with a capability at all, restrictions aside. */
  has(path: string, capability: Capability): boolean {
    if (this.isRoot) return true;
    const set = this.#index.find(path, capability === "list" || capability === "scan")
      ?.capabilities ?? 0;
    return (set & capabilityBit.deny) === 0 && (set & capabilityBit[capability]) !== 0;
  }

  /**
   * Leaves out listed keys that the deciding rule's filter hides: a key is shown when the path it
   * stands for may be read, a folder when it may be listed.
   */
  visibleKeys(decision: Decision, path: string, keys: readonly string[]): readonly string[] {
    const template = decision.rule?.listFilterPath;
    if (template === undefined) return keys;
    const folder = path.endsWith("/") ? path : `${path}/`;
    return keys.filter((key) => {
      const target = listFilterPath(template, folder, key);
      return this.has(target, key.endsWith("/") ? "list" : "read");
    });
  }

  #dataProblem(rule: MergedRule, request: AclRequest, listing: boolean): string | undefined {
    const data = request.data ?? {};
    if (listing) return paginationProblem(rule, data);
    return request.operation === "delete" ? undefined : parameterProblem(rule, data);
  }
}

function denied(
  rule: MergedRule,
  sudo: boolean,
  reason: DenialReason,
  problem?: string,
): Decision {
  const base = { allowed: false, isRoot: false, sudo, rule, reason };
  return problem === undefined ? base : { ...base, problem };
}

function wrappingProblem(rule: MergedRule, ttl: number): string | undefined {
  const { minWrappingTtl: min, maxWrappingTtl: max } = rule;
  if (max !== undefined && (ttl <= 0 || ttl > max)) {
    return `the response must be wrapped for at most ${max} seconds`;
  }
  if (min !== undefined && ttl < min) {
    return `the response must be wrapped for at least ${min} seconds`;
  }
  // Only merging can bring this about; each stanza alone is checked when it is parsed.
  if (min !== undefined && max !== undefined && max < min) {
    return "the bounds of the wrapping TTL exclude each other";
  }
  return undefined;
}

/** A list that names no limit is given the rule's, by whoever runs it. */
function paginationProblem(rule: MergedRule, data: JsonObject): string | undefined {
  const most = rule.paginationLimit;
  if (most === undefined || data["limit"] === undefined || data["limit"] === "") return undefined;
  const limit = Number(data["limit"]);
  if (limit > 0 && limit <= most) return undefined;
  return `the limit of a list must be between 1 and ${most}`;
}
