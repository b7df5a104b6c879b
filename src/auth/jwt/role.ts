/** `role/…`: which tokens may log in, and what for. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { type JsonObject, orNull } from "../../logical/json.ts";
import { type LogicalResponse, withWarnings } from "../../logical/response.ts";
import type { View } from "../../storage/transaction.ts";
import {
  applyFormerNames,
  type FormerNames,
  type FormerValues,
  keepFormerValues,
} from "../common/former_names.ts";
import {
  changeTokenParams,
  defaultTokenParams,
  shownTokenParams,
  tokenFields,
  type TokenParams,
} from "../common/token_fields.ts";

/** Leeways in seconds. */
export interface Role {
  readonly type: "jwt" | "oidc";
  readonly userClaim: string;
  readonly userClaimJsonPointer: boolean;
  readonly boundAudiences: readonly string[];
  readonly boundSubject: string;
  readonly boundClaims: JsonObject | null;
  readonly boundClaimsType: "string" | "glob";
  readonly claimMappings: Readonly<Record<string, string>> | null;
  readonly groupsClaim: string;
  readonly clockSkewLeeway: number;
  readonly expirationLeeway: number;
  readonly notBeforeLeeway: number;
  readonly maxAge: number;
  readonly allowedRedirectUris: readonly string[];
  readonly oidcScopes: readonly string[];
  readonly verboseOidcLogging: boolean;
  /** Whom the provider sends the browser to: the client's own port, this server, or nobody. */
  readonly callbackMode: CallbackMode;
  /** Seconds; 0 takes the provider's, or 5. */
  readonly pollInterval: number;
  readonly disableConfirmation: boolean;
  /** Tokens of the provider that become metadata of ours. */
  readonly oauth2Metadata: readonly string[];
  readonly params: TokenParams;
  readonly former: FormerValues;
}

export type CallbackMode = "client" | "direct" | "device";

const formerNames: FormerNames = {
  policies: "token_policies",
  ttl: "token_ttl",
  max_ttl: "token_max_ttl",
  period: "token_period",
  num_uses: "token_num_uses",
  bound_cidrs: "token_bound_cidrs",
};

const formerFields = {
  policies: field.list("Former name of token_policies."),
  ttl: field.duration("Former name of token_ttl."),
  max_ttl: field.duration("Former name of token_max_ttl."),
  period: field.duration("Former name of token_period."),
  num_uses: field.int("Former name of token_num_uses."),
  bound_cidrs: field.list("Former name of token_bound_cidrs."),
};

const fields = {
  ...tokenFields,
  ...formerFields,
  role_type: field.string("jwt or oidc."),
  user_claim: field.string("Claim that names the entity's alias."),
  user_claim_json_pointer: field.bool("Reads user_claim as a JSON pointer."),
  bound_audiences: field.list("Audiences of which a token must have one."),
  bound_subject: field.string("The sub that a token must have."),
  bound_claims: field.map("Claims that a token must have, with their values."),
  bound_claims_type: field.string("string, or glob: values may hold *."),
  claim_mappings: field.pairs("Claims that become metadata, with its keys."),
  groups_claim: field.string("Claim that names the groups."),
  clock_skew_leeway: field.duration("Given on all times; 0 for 60 s, below 0 for none."),
  expiration_leeway: field.duration("Life of tokens without exp; 0 for 150 s."),
  not_before_leeway: field.duration("For tokens without nbf and iat; 0 for 150 s."),
  max_age: field.duration("So long ago a user may have logged in at the provider."),
  allowed_redirect_uris: field.list("Where a login by browser may come back to."),
  oidc_scopes: field.list("Scopes that a login by browser asks for."),
  verbose_oidc_logging: field.bool("Logs which claims came, on debug; never their values."),
  callback_mode: field.string("client, direct (to this server) or device (nobody is called back)."),
  poll_interval: field.int("Seconds between two polls in the modes direct and device."),
  oidc_disable_confirmation: field.bool("Asks the user nothing in the mode direct."),
  oauth2_metadata: field.list("access_token, id_token, refresh_token: kept as metadata."),
  token_policies_template_claims: field.bool("Not supported: must be false."),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

const prefix = "role/";

export async function readRole(storage: View, name: string): Promise<Role | undefined> {
  const bytes = await storage.get(prefix + name.toLowerCase());
  if (bytes === undefined) return undefined;
  // What an earlier version stored lacks some of it.
  const role: Role = { ...emptyRole, ...JSON.parse(fromUtf8(bytes)) };
  return role;
}

const emptyRole: Role = {
  type: "oidc",
  userClaim: "",
  userClaimJsonPointer: false,
  boundAudiences: [],
  boundSubject: "",
  boundClaims: null,
  boundClaimsType: "string",
  claimMappings: null,
  groupsClaim: "",
  clockSkewLeeway: 0,
  expirationLeeway: 0,
  notBeforeLeeway: 0,
  maxAge: 0,
  allowedRedirectUris: [],
  oidcScopes: [],
  verboseOidcLogging: false,
  callbackMode: "client",
  pollInterval: 0,
  disableConfirmation: false,
  oauth2Metadata: [],
  params: defaultTokenParams,
  former: {},
};

function oneOf<T extends string>(name: string, allowed: readonly T[], text: string, before: T): T {
  if (text === "") return before;
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw badRequest(`invalid '${name}': one of ${allowed.join(", ")}`);
  return found;
}

function changed(before: Role, wanted: Given): Role {
  const types = ["jwt", "oidc"] as const;
  const kinds = ["string", "glob"] as const;
  const modes = ["client", "direct", "device"] as const;
  const { given, came, gone } = applyFormerNames(formerNames, wanted);
  const params = changeTokenParams(before.params, given);
  const shownParams = shownTokenParams(params);
  return {
    type: oneOf("role_type", types, given.role_type ?? "", before.type),
    userClaim: given.user_claim ?? before.userClaim,
    userClaimJsonPointer: given.user_claim_json_pointer ?? before.userClaimJsonPointer,
    boundAudiences: given.bound_audiences ?? before.boundAudiences,
    boundSubject: given.bound_subject ?? before.boundSubject,
    boundClaims: given.bound_claims ?? before.boundClaims,
    boundClaimsType: oneOf(
      "bound_claims_type",
      kinds,
      given.bound_claims_type ?? "",
      before.boundClaimsType,
    ),
    claimMappings: given.claim_mappings ?? before.claimMappings,
    groupsClaim: given.groups_claim ?? before.groupsClaim,
    clockSkewLeeway: given.clock_skew_leeway ?? before.clockSkewLeeway,
    expirationLeeway: given.expiration_leeway ?? before.expirationLeeway,
    notBeforeLeeway: given.not_before_leeway ?? before.notBeforeLeeway,
    maxAge: given.max_age ?? before.maxAge,
    allowedRedirectUris: given.allowed_redirect_uris ?? before.allowedRedirectUris,
    oidcScopes: given.oidc_scopes ?? before.oidcScopes,
    verboseOidcLogging: given.verbose_oidc_logging ?? before.verboseOidcLogging,
    callbackMode: oneOf("callback_mode", modes, given.callback_mode ?? "", before.callbackMode),
    pollInterval: given.poll_interval ?? before.pollInterval,
    disableConfirmation: given.oidc_disable_confirmation ?? before.disableConfirmation,
    oauth2Metadata: given.oauth2_metadata ?? before.oauth2Metadata,
    params,
    former: keepFormerValues(formerNames, before.former, { came, gone }, shownParams),
  };
}

function check(role: Role): void {
  if (role.userClaim === "") throw badRequest("a user claim must be defined on the role");
  if (
    role.type === "oidc" && role.callbackMode !== "device" && role.allowedRedirectUris.length === 0
  ) {
    throw badRequest("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unset");
  }
  const bounds = role.boundAudiences.length + role.params.boundCidrs.length +
    Object.keys(role.boundClaims ?? {}).length;
  if (role.type === "jwt" && bounds === 0 && role.boundSubject === "") {
    throw badRequest("must have at least one bound constraint");
  }
  for (const [name, value] of Object.entries(role.boundClaims ?? {})) {
    const values = Array.isArray(value) ? value : [value];
    if (role.boundClaimsType === "glob" && values.some((one) => typeof one !== "string")) {
      throw badRequest(`claim "${name}" must be text, as bound_claims_type is glob`);
    }
  }
  for (const name of role.oauth2Metadata) {
    if (!["access_token", "id_token", "refresh_token"].includes(name)) {
      throw badRequest(`"${name}" is no token that oauth2_metadata can name`);
    }
  }
  if (role.pollInterval < 0) throw badRequest("poll_interval can't be negative");
  const targets = Object.values(role.claimMappings ?? {});
  if (new Set(targets).size < targets.length) throw badRequest("metadata keys must be unique");
  if (targets.includes("role")) throw badRequest('metadata key "role" is reserved');
}

function shown(role: Role): JsonObject {
  return {
    ...role.former,
    ...shownTokenParams(role.params),
    allowed_redirect_uris: orNull(role.allowedRedirectUris),
    bound_audiences: orNull(role.boundAudiences),
    bound_claims: role.boundClaims,
    bound_claims_type: role.boundClaimsType,
    bound_subject: role.boundSubject,
    callback_mode: role.callbackMode,
    claim_mappings: role.claimMappings === null ? null : { ...role.claimMappings },
    clock_skew_leeway: role.clockSkewLeeway,
    expiration_leeway: role.expirationLeeway,
    groups_claim: role.groupsClaim,
    max_age: role.maxAge,
    not_before_leeway: role.notBeforeLeeway,
    oauth2_metadata: orNull(role.oauth2Metadata),
    oidc_disable_confirmation: role.disableConfirmation,
    oidc_scopes: orNull(role.oidcScopes),
    ...(role.pollInterval > 0 ? { poll_interval: role.pollInterval } : {}),
    role_type: role.type,
    token_policies_template_claims: false,
    user_claim: role.userClaim,
    user_claim_json_pointer: role.userClaimJsonPointer,
    verbose_oidc_logging: role.verboseOidcLogging,
  };
}

async function write(call: Call, name: string, given: Given): Promise<LogicalResponse | void> {
  if (given.token_policies_template_claims === true) {
    throw badRequest("token_policies_template_claims is not supported: policies are no templates");
  }
  const role = changed(await readRole(call.storage, name) ?? emptyRole, given);
  check(role);
  call.storage.put(prefix + name.toLowerCase(), utf8(JSON.stringify(role)));
  if (!role.verboseOidcLogging) return;
  return withWarnings({}, [
    "verbose_oidc_logging logs the names of claims, on the level debug, and no values",
  ]);
}

export const rolePaths: readonly Path[] = [
  path("role/?", {
    summary: "Lists the roles.",
    operations: {
      list: {
        summary: "Lists the roles.",
        handler: async (call) => ({ data: { keys: await call.storage.list(prefix) } }),
      },
    },
  }),
  path("role/:name", {
    summary: "A role.",
    params: { name: "Name of the role" },
    fields,
    exists: async (call, { name }) => await readRole(call.storage, name) !== undefined,
    operations: {
      read: {
        summary: "Reads a role.",
        handler: async (call, { name }) => {
          const role = await readRole(call.storage, name);
          if (role === undefined) throw notFound();
          return { data: shown(role) };
        },
      },
      update: {
        summary: "Makes or changes a role.",
        handler: (call, input) => write(call, input.name, input),
      },
      delete: {
        summary: "Deletes a role. Tokens live on, but can't be renewed.",
        handler: (call, { name }) => call.storage.delete(prefix + name.toLowerCase()),
      },
    },
  }),
];
