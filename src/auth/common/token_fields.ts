/**
 * The fields by which a role or user of any auth method says what tokens its logins get. Some
 * methods take former names too; what came under one is shown under both, as it always was.
 */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { parseCidr } from "../../core/cidr.ts";
import type { JsonObject } from "../../logical/json.ts";

/** `default` takes the mount's type. */
export type RoleTokenType = "default" | "service" | "batch";

/** Seconds throughout; 0 for none. */
export interface TokenParams {
  readonly policies: readonly string[];
  readonly ttl: number;
  readonly maxTtl: number;
  readonly explicitMaxTtl: number;
  readonly period: number;
  readonly numUses: number;
  readonly boundCidrs: readonly string[];
  readonly strictlyBindIp: boolean;
  readonly noDefaultPolicy: boolean;
  readonly tokenType: RoleTokenType;
}

export const defaultTokenParams: TokenParams = {
  policies: [],
  ttl: 0,
  maxTtl: 0,
  explicitMaxTtl: 0,
  period: 0,
  numUses: 0,
  boundCidrs: [],
  strictlyBindIp: false,
  noDefaultPolicy: false,
  tokenType: "default",
};

/** To be spread into the fields of a path. */
export const tokenFields = {
  token_policies: field.list("Policies of the tokens."),
  token_ttl: field.duration("How long a token lives at first."),
  token_max_ttl: field.duration("How long renewals can make it live."),
  token_explicit_max_ttl: field.duration("A maximum that later changes of the role don't move."),
  token_period: field.duration("Each renewal gives this much; there is no maximum then."),
  token_num_uses: field.int("How often a token can be used; 0 for no limit."),
  token_bound_cidrs: field.list("Addresses that may log in and use the tokens."),
  token_strictly_bind_ip: field.bool("Binds a token to the address that logged in."),
  token_no_default_policy: field.bool("Leaves the default policy out."),
  token_type: field.string("service, batch or default, which takes the mount's."),
};

/** What a request says of them; what it leaves out stays. */
export type TokenFieldValues = {
  readonly [K in keyof typeof tokenFields]?: (typeof tokenFields)[K]["default"];
};

/** The parameters after a request, or a 400 for what can't be. */
export function changeTokenParams(before: TokenParams, given: TokenFieldValues): TokenParams {
  const params: TokenParams = {
    policies: given.token_policies === undefined
      ? before.policies
      : policyNames(given.token_policies),
    ttl: given.token_ttl ?? before.ttl,
    maxTtl: given.token_max_ttl ?? before.maxTtl,
    explicitMaxTtl: given.token_explicit_max_ttl ?? before.explicitMaxTtl,
    period: given.token_period ?? before.period,
    numUses: given.token_num_uses ?? before.numUses,
    boundCidrs: given.token_bound_cidrs === undefined
      ? before.boundCidrs
      : readCidrs("token_bound_cidrs", given.token_bound_cidrs),
    strictlyBindIp: given.token_strictly_bind_ip ?? before.strictlyBindIp,
    noDefaultPolicy: given.token_no_default_policy ?? before.noDefaultPolicy,
    tokenType: given.token_type === undefined ? before.tokenType : readType(given.token_type),
  };
  check(params);
  return params;
}

/** Lower case, each once, sorted. */
export function policyNames(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.trim().toLowerCase()))]
    .filter((name) => name !== "").sort();
}

/** Ranges in the form they are shown in: one address stands without its bits. */
export function readCidrs(name: string, texts: readonly string[]): string[] {
  return texts.filter((text) => text !== "").map((text) => {
    const range = parseCidr(text);
    if (range === undefined) throw badRequest(`${name} holds something that is no address range`);
    const whole = range.family === "ipv4" ? 32 : 128;
    return range.bits === whole ? range.address : `${range.address}/${range.bits}`;
  });
}

function readType(text: string): RoleTokenType {
  switch (text) {
    case "":
    case "default":
    case "default-service":
      return "default";
    case "service":
    case "batch":
      return text;
    default:
      throw badRequest(`invalid 'token_type' value: one of service, batch, default is expected`);
  }
}

function check(params: TokenParams): void {
  const { ttl, maxTtl, explicitMaxTtl, period, numUses } = params;
  const named = { ttl, max_ttl: maxTtl, explicit_max_ttl: explicitMaxTtl, period };
  for (const [name, seconds] of Object.entries(named)) {
    if (seconds < 0) throw badRequest(`'token_${name}' cannot be negative`);
  }
  if (maxTtl > 0 && ttl > maxTtl) {
    throw badRequest("'token_ttl' cannot be greater than 'token_max_ttl'");
  }
  if (numUses < 0) throw badRequest("'token_num_uses' cannot be negative");
  if (params.tokenType !== "batch") return;
  if (period > 0) throw badRequest("'token_type' cannot be 'batch' with a 'token_period'");
  if (numUses > 0) {
    throw badRequest(
      "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count",
    );
  }
}

/** As a role shows them. */
export function shownTokenParams(params: TokenParams): JsonObject {
  return {
    token_bound_cidrs: [...params.boundCidrs],
    token_explicit_max_ttl: params.explicitMaxTtl,
    token_max_ttl: params.maxTtl,
    token_no_default_policy: params.noDefaultPolicy,
    token_num_uses: params.numUses,
    token_period: params.period,
    token_policies: [...params.policies],
    token_strictly_bind_ip: params.strictlyBindIp,
    token_ttl: params.ttl,
    token_type: params.tokenType,
  };
}
