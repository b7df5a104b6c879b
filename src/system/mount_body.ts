/** Mounts as the API shows them. */
import { version } from "../base/version.ts";
import type { MountConfig, MountEntry } from "../core/mount_entry.ts";
import type { Mounts } from "../core/mounts.ts";
import type { JsonObject } from "../logical/json.ts";

/** Types that are part of the server and never replaced. */
export const coreTypes: ReadonlySet<string> = new Set(["system", "identity", "cubbyhole", "token"]);

/** The optional parts of a mount's configuration, only where they are set. */
function optionalConfig(config: MountConfig): JsonObject {
  const lockout = config.userLockout;
  const lists = {
    audit_non_hmac_request_keys: config.auditNonHmacRequestKeys,
    audit_non_hmac_response_keys: config.auditNonHmacResponseKeys,
    passthrough_request_headers: config.passthroughRequestHeaders,
    allowed_response_headers: config.allowedResponseHeaders,
  };
  const body: JsonObject = {};
  for (const [name, list] of Object.entries(lists)) if (list.length > 0) body[name] = [...list];
  if (config.listingVisibility !== "") body.listing_visibility = config.listingVisibility;
  if (lockout !== null) {
    body.user_lockout_threshold = lockout.threshold;
    body.user_lockout_duration = lockout.duration;
    body.user_lockout_counter_reset_duration = lockout.counterReset;
    body.user_lockout_disable = lockout.disable;
  }
  return body;
}

/** One mount, as sys/mounts and sys/auth list it. */
export function mountBody(entry: MountEntry): JsonObject {
  const { config } = entry;
  const core = coreTypes.has(entry.type);
  return {
    accessor: entry.accessor,
    config: {
      default_lease_ttl: config.defaultLeaseTtl,
      force_no_cache: config.forceNoCache,
      max_lease_ttl: config.maxLeaseTtl,
      ...optionalConfig(config),
      ...(entry.table === "auth" ? { token_type: config.tokenType || "default-service" } : {}),
    },
    ...(core ? {} : { deprecation_status: "supported" }),
    description: entry.description,
    external_entropy_access: entry.externalEntropyAccess,
    local: entry.local,
    options: core ? null : { ...entry.options },
    plugin_version: "",
    running_plugin_version: `v${version}+builtin.holdfast`,
    running_sha256: "",
    seal_wrap: entry.sealWrap,
    type: entry.type,
    uuid: entry.uuid,
  };
}

/** All mounts of a table, by path. */
export function tableBody(mounts: Mounts, table: "mounts" | "auth"): JsonObject {
  const body: JsonObject = {};
  for (const entry of mounts.list(table)) body[entry.path] = mountBody(entry);
  return body;
}

/** What `…/tune` answers: the configuration with the system's TTLs filled in. */
export function tuneBody(mounts: Mounts, entry: MountEntry): JsonObject {
  const info = mounts.info(entry);
  const hasOptions = Object.keys(entry.options).length > 0;
  return {
    default_lease_ttl: info.defaultLeaseTtl,
    description: entry.description,
    force_no_cache: entry.config.forceNoCache,
    max_lease_ttl: info.maxLeaseTtl,
    ...optionalConfig(entry.config),
    ...(hasOptions ? { options: { ...entry.options } } : {}),
    ...(entry.table === "auth" ? { token_type: entry.config.tokenType || "default-service" } : {}),
  };
}
