/** Reads the configuration of a mount out of a request: at enabling, and at tuning. */
import { badRequest } from "../base/failure.ts";
import { field, readField } from "../backend/field.ts";
import {
  type MountConfig,
  type MountEntry,
  type TokenTypeSetting,
  type UserLockoutConfig,
} from "../core/mount_entry.ts";
import type { SystemTtls } from "../core/mounts.ts";
import type { JsonObject } from "../logical/json.ts";

/** Fields of a configuration; the same at the top of a tune request and in `config` of a mount. */
export const configFields = {
  default_lease_ttl: field.string('TTL of leases and tokens; "system" for the server\'s.'),
  max_lease_ttl: field.string('Longest TTL; "system" for the server\'s.'),
  force_no_cache: field.bool("Accepted for compatibility."),
  listing_visibility: field.string("Where the mount is shown: hidden or unauth."),
  audit_non_hmac_request_keys: field.list("Request fields that audit devices log as they are."),
  audit_non_hmac_response_keys: field.list("Response fields that audit devices log as they are."),
  passthrough_request_headers: field.list("Request headers that the backend sees."),
  allowed_response_headers: field.list("Response headers that the backend may set."),
  token_type: field.string("Type of the tokens that logins get."),
  user_lockout_config: field.map("Lockout after failed logins."),
  plugin_version: field.string("Accepted for compatibility; engines are in the binary."),
  plugin_name: field.string("Accepted for compatibility."),
};

type Given = { readonly [K in keyof typeof configFields]: (typeof configFields)[K]["default"] };

/** Reads `config` of a mount request. */
export function readConfigObject(config: JsonObject): Given {
  const given: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(configFields)) {
    given[name] = readField<unknown>(name, declared, config[name]);
  }
  return asGiven(given);
}

/** Every field was read by its own declaration just above. */
function asGiven(given: Record<string, unknown>): Given {
  return given as Given;
}

const seconds = field.duration("seconds");

function ttl(name: string, text: string | undefined, before: number): number {
  // Clients send "" for what they leave alone.
  if (text === undefined || text === "") return before;
  if (text === "system") return 0;
  const value = readField(name, seconds, text) ?? 0;
  if (value < 0) throw badRequest(`${name} cannot be negative`);
  return value;
}

function listingVisibility(text: string | undefined, before: MountConfig["listingVisibility"]) {
  if (text === undefined) return before;
  if (text === "" || text === "hidden" || text === "unauth") return text;
  throw badRequest("listing_visibility must be hidden or unauth");
}

function isTokenType(text: string): text is TokenTypeSetting {
  return ["service", "batch", "default-service", "default-batch"].includes(text);
}

function tokenType(entry: MountEntry | undefined, text: string | undefined) {
  const before = entry?.config.tokenType ?? "";
  if (text === undefined || text === "") return before;
  if (entry?.type === "token") throw badRequest("token_type cannot be set for the token method");
  if (text === "default") return "default-service" as const;
  if (isTokenType(text)) return text;
  throw badRequest(`invalid value for token_type: "${text}"`);
}

const lockoutFields = {
  lockout_threshold: field.int("Failed logins until the lock"),
  lockout_duration: field.duration("How long it lasts"),
  lockout_counter_reset_duration: field.duration("When failures are forgotten"),
  lockout_disable: field.bool("No lockout here"),
};

function userLockout(
  given: JsonObject | undefined,
  before: UserLockoutConfig | null,
): UserLockoutConfig | null {
  if (given === undefined) return before;
  const read = <T>(name: keyof typeof lockoutFields, value: T) =>
    readField<unknown>(name, lockoutFields[name], given[name]) ?? value;
  return {
    threshold: Number(read("lockout_threshold", before?.threshold ?? 0)),
    duration: Number(read("lockout_duration", before?.duration ?? 0)),
    counterReset: Number(read("lockout_counter_reset_duration", before?.counterReset ?? 0)),
    disable: Boolean(read("lockout_disable", before?.disable ?? false)),
  };
}

/** The configuration after a change. Throws a 400 for what can't be. */
export function changedConfig(
  before: MountConfig,
  given: Given,
  system: SystemTtls,
  entry: MountEntry | undefined,
  table: "mounts" | "auth",
): MountConfig {
  const defaultLeaseTtl = ttl("default_lease_ttl", given.default_lease_ttl, before.defaultLeaseTtl);
  const maxLeaseTtl = ttl("max_lease_ttl", given.max_lease_ttl, before.maxLeaseTtl);
  if (maxLeaseTtl > 0 ? defaultLeaseTtl > maxLeaseTtl : defaultLeaseTtl > system.maxLeaseTtl) {
    throw badRequest("given default lease TTL is greater than the maximum lease TTL");
  }
  // A mount may allow more than the server does, but no more than fits a date.
  if (maxLeaseTtl > 1e10) throw badRequest("given max lease TTL is too large");
  return {
    defaultLeaseTtl,
    maxLeaseTtl,
    forceNoCache: given.force_no_cache ?? before.forceNoCache,
    listingVisibility: listingVisibility(given.listing_visibility, before.listingVisibility),
    auditNonHmacRequestKeys: given.audit_non_hmac_request_keys ?? before.auditNonHmacRequestKeys,
    auditNonHmacResponseKeys: given.audit_non_hmac_response_keys ??
      before.auditNonHmacResponseKeys,
    passthroughRequestHeaders: given.passthrough_request_headers ??
      before.passthroughRequestHeaders,
    allowedResponseHeaders: given.allowed_response_headers ?? before.allowedResponseHeaders,
    tokenType: table === "auth" ? tokenType(entry, given.token_type) : "",
    userLockout: userLockout(given.user_lockout_config, before.userLockout),
  };
}
