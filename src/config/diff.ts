import { listenerKeys } from "./keys/listener.ts";
import { sealTables } from "./keys/seal.ts";
import {
  auditKeys,
  consulRegistrationKeys,
  kubernetesRegistrationKeys,
  replicationKeys,
  telemetryKeys,
  userLockoutKeys,
} from "./keys/stanzas.ts";
import { storageTables } from "./keys/storage.ts";
import { topKeys } from "./keys/top.ts";
import type { ServerConfig } from "./server_types.ts";
import type { KeyDef, Table } from "./table.ts";

/** What a reload changes, as names such as `log_level` and `listener[0].tls_cert_file`. */
export interface ConfigDiff {
  /** Takes effect now. */
  readonly applied: string[];
  /** Waits for a restart. */
  readonly needsRestart: string[];
  /** Number of settings that are the same. */
  readonly unchanged: number;
}

interface Leaf {
  readonly text: string;
  readonly reload: boolean;
}

/** Compares two configurations for SIGHUP. Values are not shown, they may be secret. */
export function diffConfig(before: ServerConfig, after: ServerConfig): ConfigDiff {
  const old = leavesOf(before);
  const now = leavesOf(after);
  const diff: ConfigDiff = { applied: [], needsRestart: [], unchanged: 0 };
  let unchanged = 0;
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [a, b] = [old.get(name), now.get(name)];
    if (a?.text === b?.text) unchanged++;
    else if ((a ?? b)?.reload === true) diff.applied.push(name);
    else diff.needsRestart.push(name);
  }
  return { ...diff, unchanged };
}

function leavesOf(config: ServerConfig): Map<string, Leaf> {
  const out = new Map<string, Leaf>();
  flatten("", topKeys, config.settings, out);
  config.listeners.forEach((listener, i) => {
    out.set(`listener[${i}].type`, { text: listener.type, reload: false });
    flatten(`listener[${i}].`, listenerKeys, listener.values, out);
  });
  const storages = { storage: config.storage, ha_storage: config.haStorage };
  for (const [name, storage] of Object.entries(storages)) {
    if (storage === undefined) continue;
    out.set(`${name}.type`, { text: storage.type, reload: false });
    flatten(`${name}.`, storageTables[storage.type], storage.values, out);
  }
  config.seals.forEach((seal, i) => {
    out.set(`seal[${i}].type`, { text: seal.type, reload: false });
    flatten(`seal[${i}].`, sealTables[seal.type], seal.values, out);
  });
  const registration = config.serviceRegistration;
  if (registration !== undefined) {
    const tables = { consul: consulRegistrationKeys, kubernetes: kubernetesRegistrationKeys };
    out.set("service_registration.type", { text: registration.type, reload: false });
    flatten("service_registration.", tables[registration.type], registration.values, out);
  }
  flatten("telemetry.", telemetryKeys, config.telemetry.values, out);
  flatten("replication.", replicationKeys, config.replication.values, out);
  for (const { type, values } of config.userLockouts) {
    flatten(`user_lockout[${type}].`, userLockoutKeys, values, out);
  }
  for (const { type, path, values } of config.audits) {
    out.set(`audit[${path}].type`, { text: type, reload: true });
    flatten(`audit[${path}].`, reloadable(auditKeys), values, out);
  }
  return out;
}

/** Declared audit devices are made and removed on a reload, as in the peer. */
function reloadable(table: Table): Table {
  return Object.fromEntries(
    Object.entries(table).map(([key, def]): [string, KeyDef] => [key, { ...def, reload: true }]),
  );
}

function flatten(prefix: string, table: Table, values: object, out: Map<string, Leaf>): void {
  for (const [key, value] of Object.entries(values)) {
    const def = table[key];
    if (def === undefined) continue;
    if (def.type === "block" && typeof value === "object") {
      flatten(`${prefix}${key}.`, def.of, value, out);
    } else {
      out.set(`${prefix}${key}`, {
        text: JSON.stringify(value) ?? "",
        reload: def.reload === true,
      });
    }
  }
}
