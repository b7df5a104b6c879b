import { listenerKeys } from "./keys/listener.ts";
import { sealTables } from "./keys/seal.ts";
import { telemetryKeys } from "./keys/stanzas.ts";
import { topKeys } from "./keys/top.ts";
import { lockoutFor } from "./lockout.ts";
import type { ServerConfig, StorageConfig } from "./server_types.ts";
import type { Table } from "./table.ts";

type Plain = Record<string, unknown>;

/** Attributes at the top that the answer of the API holds; names as in the file unless mapped. */
const shownTopKeys = [
  "allow_audit_log_prefixing",
  "api_addr",
  "cache_size",
  "cluster_addr",
  "cluster_cipher_suites",
  "cluster_name",
  "default_lease_ttl",
  "default_max_request_duration",
  "detect_deadlocks",
  "disable_cache",
  "disable_clustering",
  "disable_indexing",
  "disable_performance_standby",
  "disable_printable_check",
  "disable_sealwrap",
  "disable_sentinel_trace",
  "disable_ssct_tokens",
  "disable_standby_reads",
  "enable_response_header_hostname",
  "enable_response_header_raft_node_id",
  "imprecise_lease_role_tracking",
  "introspection_endpoint",
  "log_format",
  "log_level",
  "log_requests_level",
  "max_lease_ttl",
  "pid_file",
  "plugin_directory",
  "plugin_file_permissions",
  "plugin_file_uid",
  "raw_storage_endpoint",
  "unsafe_allow_api_audit_creation",
  "unsafe_cross_namespace_identity",
] as const satisfies readonly (keyof typeof topKeys)[];

/** Kept by the peer in nanoseconds, where the lease TTLs are seconds. */
const inNanoseconds: ReadonlySet<string> = new Set(["default_max_request_duration"]);

/** Newer than the shape of the answer; shown where they were given. */
const unshownTelemetryKeys: ReadonlySet<string> = new Set([
  "add_mount_point_rollback_metrics",
  "enable_hostname_label",
  "filter_default",
  "prefix_filter",
  "unauthenticated_metrics_access",
]);

/** Switches of the peer that can't be set here, at the values that describe this server. */
const fixedSwitches = { allow_unauthenticated_workflows: false, unsafe_relative_paths: false };

/**
 * The configuration as `GET sys/config/state/sanitized` shows it: what the operator gave (0, "" or
 * false for the rest), without secrets. Shape and units are the peer's.
 */
export function sanitizedConfig(config: ServerConfig): Plain {
  const out: Plain = { enable_ui: config.settings.ui, ...fixedSwitches };
  for (const key of shownTopKeys) out[key] = shownTop(config, key);
  out["listeners"] = config.listeners.map(({ type, given }) => ({
    type,
    config: withoutSecrets(listenerKeys, given),
  }));
  if (config.storage !== undefined) out["storage"] = shownStorage(config, config.storage);
  if (config.haStorage !== undefined) out["ha_storage"] = shownStorage(config, config.haStorage);
  const seals = config.seals.length > 0 ? config.seals.map(shownSeal) : [
    { type: "shamir", disabled: false },
  ];
  out["seals"] = seals;
  out["telemetry"] = shownTelemetry(config);
  if (config.serviceRegistration !== undefined) {
    out["service_registration"] = { type: config.serviceRegistration.type };
  }
  if (config.userLockouts.length > 0) {
    out["user_lockout_configs"] = config.userLockouts.map(({ type }) => shownLockout(config, type));
  }
  return out;
}

function shownTop(config: ServerConfig, key: (typeof shownTopKeys)[number]): unknown {
  const value = config.settings[key];
  if (!(key in config.given)) {
    if (typeof value === "number") return 0;
    return typeof value === "string" ? (key === "plugin_file_permissions" ? 0 : "") : value;
  }
  return inNanoseconds.has(key) ? Number(value) * 1e9 : value;
}

function withoutSecrets(table: Table, given: Plain): Plain {
  return Object.fromEntries(
    Object.entries(given).filter(([key]) => table[key]?.secret !== true),
  );
}

/** Storage settings often hold credentials, so only the type and what nodes share is shown. */
function shownStorage(config: ServerConfig, storage: StorageConfig): Plain {
  const out: Plain = {
    type: storage.type,
    redirect_addr: config.settings.api_addr,
    cluster_addr: config.settings.cluster_addr,
    disable_clustering: config.settings.disable_clustering,
  };
  if (storage.type === "raft") {
    const given = "max_entry_size" in storage.given;
    out["raft"] = { max_entry_size: given ? String(storage.values.max_entry_size) : "" };
  }
  return out;
}

function shownSeal(seal: ServerConfig["seals"][number]): Plain {
  const known = sealTables[seal.type];
  const { name, priority, disabled } = seal.values;
  return {
    type: seal.type,
    disabled,
    ...(name === undefined || !("name" in known) ? {} : { name }),
    ...(priority === undefined ? {} : { priority: String(priority) }),
  };
}

function shownTelemetry(config: ServerConfig): Plain {
  const { values, given } = config.telemetry;
  const out: Plain = {};
  const table: Table = telemetryKeys;
  for (const [key, value] of Object.entries(values)) {
    const def = table[key];
    if (def === undefined || (unshownTelemetryKeys.has(key) && !(key in given))) continue;
    if (def.secret === true) out[key] = "";
    else if (def.type === "duration") out[key] = Number(value) * 1e9;
    else if (def.type === "strings") out[key] = key in given ? value : null;
    else out[key] = key === "metrics_prefix" && !(key in given) ? "" : value;
  }
  return out;
}

function shownLockout(config: ServerConfig, type: string): Plain {
  const lockout = lockoutFor(config, type);
  return {
    type,
    lockout_threshold: lockout.lockout_threshold,
    lockout_duration: lockout.lockout_duration * 1e9,
    lockout_counter_reset: lockout.lockout_counter_reset * 1e9,
    disable_lockout: lockout.disable_lockout,
  };
}
