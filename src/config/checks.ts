import { isIP } from "node:net";
import { isVersion } from "../base/semver.ts";
import { parseAutoJoin } from "./auto_join.ts";
import { requiredSealKeys } from "./keys/seal.ts";
import { requiredStorageKeys } from "./keys/storage.ts";
import type { ConfigNote } from "./note.ts";
import type { ConfigPlace } from "./read_stanza.ts";
import type { ListenerConfig, ServerConfig, StorageConfig } from "./server_types.ts";

/** What keeps a configuration that is well-formed from being started. */
export interface ConfigChecks {
  readonly warnings: ConfigNote[];
  readonly errors: ConfigNote[];
}

/**
 * Checks what no key alone can tell: whether there is a storage and a listener, and whether keys
 * fit together. For `server`, `server -test` and `operator diagnose`; dev mode does without.
 */
export function checkServerConfig(config: ServerConfig): ConfigChecks {
  const checks: ConfigChecks = { warnings: [], errors: [] };
  checkStorages(config, checks);
  checkListeners(config, checks);
  checkSeals(config, checks);
  const { default_lease_ttl, max_lease_ttl } = config.settings;
  if (default_lease_ttl > max_lease_ttl) {
    fail(checks, undefined, "default_lease_ttl must not be longer than max_lease_ttl");
  }
  return checks;
}

function fail(checks: ConfigChecks, at: ConfigPlace | undefined, message: string): void {
  checks.errors.push({ ...at ?? { file: "configuration", line: 0, column: 0 }, message });
}

function checkStorages(config: ServerConfig, checks: ConfigChecks): void {
  const { storage, haStorage, settings } = config;
  if (storage === undefined) return fail(checks, undefined, "there is no storage stanza");
  checkRequired(storage, checks);
  if (haStorage !== undefined) {
    checkRequired(haStorage, checks);
    if (storage.type === "raft") {
      fail(checks, haStorage.at, 'storage "raft" keeps the lock itself: remove ha_storage');
    }
  }
  if (storage.type === "raft") {
    if (settings.disable_clustering) {
      fail(checks, storage.at, 'disable_clustering does not go with storage "raft"');
    }
    if (settings.cluster_addr === "") {
      fail(checks, storage.at, 'cluster_addr must be set for storage "raft"');
    }
    const { autopilot_upgrade_version: version } = storage.values;
    if (version !== "" && !isVersion(version)) {
      fail(checks, storage.at, `autopilot_upgrade_version "${version}" is no semantic version`);
    }
    for (const join of storage.values.retry_join) {
      if ((join.leader_api_addr === undefined) === (join.auto_join === undefined)) {
        fail(checks, storage.at, "retry_join needs either leader_api_addr or auto_join");
      } else if (join.auto_join !== undefined) {
        const parsed = parseAutoJoin(join.auto_join);
        if (typeof parsed === "string") fail(checks, storage.at, parsed);
      }
    }
  }
}

function checkRequired(storage: StorageConfig, checks: ConfigChecks): void {
  const values = new Map<string, unknown>(Object.entries(storage.values));
  for (const key of requiredStorageKeys[storage.type] ?? []) {
    if (!values.get(key)) fail(checks, storage.at, `storage "${storage.type}" needs "${key}"`);
  }
}

function checkListeners(config: ServerConfig, checks: ConfigChecks): void {
  if (config.listeners.length === 0) fail(checks, undefined, "there is no listener stanza");
  const addresses = new Set<string>();
  for (const listener of config.listeners) {
    const { address } = listener.values;
    if (addresses.has(address)) fail(checks, listener.at, `a second listener at "${address}"`);
    addresses.add(address);
    checkProxy(listener, checks);
    if (listener.type === "tcp") checkTls(listener, checks);
    else if (listener.given["address"] === undefined) {
      fail(checks, listener.at, 'listener "unix" needs "address", the path of its socket');
    }
  }
}

/** Whoever may say whose connection it is can pass for anybody. */
function checkProxy({ type, values, at }: ListenerConfig, checks: ConfigChecks): void {
  const { proxy_protocol_behavior: behavior, proxy_protocol_authorized_addrs: ranges } = values;
  if (behavior === "") return;
  if (type === "unix") return fail(checks, at, "proxy_protocol_behavior is for tcp listeners");
  if (behavior !== "use_always" && ranges.length === 0) {
    const key = "proxy_protocol_authorized_addrs";
    fail(checks, at, `proxy_protocol_behavior "${behavior}" needs ${key}`);
  }
  for (const range of ranges) {
    const [address = "", bits = "0", more] = range.split("/");
    const isRange = isIP(address) !== 0 && more === undefined && /^\d{1,3}$/.test(bits) &&
      Number(bits) <= (isIP(address) === 4 ? 32 : 128);
    if (!isRange) {
      fail(checks, at, `proxy_protocol_authorized_addrs: "${range}" is no address and no range`);
    }
  }
}

function checkTls(listener: ListenerConfig, checks: ConfigChecks): void {
  const { values, at } = listener;
  if (!/:\d{1,5}$/.test(values.address)) {
    fail(checks, at, `the address "${values.address}" has no port`);
  }
  if (values.tls_disable || values.tls_acme_domains.length > 0) return;
  for (const key of ["tls_cert_file", "tls_key_file"] as const) {
    if (!values[key]) fail(checks, at, `"${key}" must be set, or tls_disable = true`);
  }
  if (values.tls_min_version > values.tls_max_version) {
    fail(checks, at, "tls_min_version must not be above tls_max_version");
  }
  if (values.tls_require_and_verify_client_cert && values.tls_disable_client_certs) {
    fail(checks, at, "client certificates can't be both required and disabled");
  }
}

function checkSeals(config: ServerConfig, checks: ConfigChecks): void {
  const used = config.seals.filter((seal) => !seal.values.disabled);
  for (const seal of config.seals) {
    const values = new Map<string, unknown>(Object.entries(seal.values));
    for (const key of requiredSealKeys[seal.type] ?? []) {
      if (!values.get(key)) fail(checks, seal.at, `seal "${seal.type}" needs "${key}"`);
    }
  }
  if (used.length < 2) return;
  if (!config.settings.enable_multiseal) {
    fail(checks, used[1]?.at, "a second seal in use needs enable_multiseal = true");
  }
  const names = used.map((seal) => seal.values.name ?? seal.type);
  if (new Set(names).size < names.length) {
    fail(checks, used[1]?.at, "seals of one type need different names");
  }
  if (used.some((seal) => seal.values.priority === undefined)) {
    fail(checks, used[1]?.at, "each of several seals needs a priority");
  }
}
