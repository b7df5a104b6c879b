/** The tables of engines and auth methods. */
import { isJsonObject, type JsonObject } from "../logical/json.ts";
import type { Item } from "./items.ts";
import type { Opened } from "./opened.ts";
import { flagAt, numberAt, objectAt, secondsAt, textAt, textsAt } from "./read_json.ts";

export interface ForeignMount {
  readonly table: "mounts" | "auth";
  /** As requests reach it: "secret/", "auth/userpass/". */
  readonly path: string;
  readonly type: string;
  readonly accessor: string;
  /** Of KV 2: what stands behind the mount's own in its keys. */
  readonly backendUuid: string;
  /** Where its data lie. */
  readonly prefix: string;
  readonly options: JsonObject;
  readonly entry: JsonObject;
}

const tables = ["mounts", "auth"] as const;

/** Mounts of the root namespace. Those of others are left, and told. */
export async function readMounts(opened: Opened): Promise<ForeignMount[]> {
  const found: ForeignMount[] = [];
  for (const table of tables) {
    for (const prefix of [`core/${table}`, `core/local-${table}`]) {
      for (const entry of await entriesAt(opened, prefix)) {
        const mount = mountOf(table, entry);
        const reason = whyLeft(entry);
        if (reason === undefined) found.push(mount);
        else {
          opened.account.leave(`mount ${mount.path}`, reason);
          opened.leaveBelow(mount.prefix, `entries of ${mount.path}`, "its mount was left");
        }
      }
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Why a mount can't be brought over, whatever is in it. */
function whyLeft(entry: JsonObject): string | undefined {
  if (!isOfRoot(textAt(entry, "namespace_id"))) return "it is of a namespace; there are none here";
  return flagAt(entry, "tainted") ? "it was being disabled" : undefined;
}

/** Whether an ID is that of the namespace that all have. */
export function isOfRoot(namespaceId: string): boolean {
  return namespaceId === "" || namespaceId === "root";
}

/** One entry a mount, or one list of all. */
async function entriesAt(opened: Opened, prefix: string): Promise<JsonObject[]> {
  const entries: JsonObject[] = [];
  for (const key of opened.below(`${prefix}/`)) {
    const entry = await opened.object(key);
    if (entry !== undefined) entries.push(entry);
  }
  const whole = await opened.object(prefix);
  const list = whole?.entries;
  return Array.isArray(list) ? [...entries, ...list.filter(isJsonObject)] : entries;
}

function mountOf(table: "mounts" | "auth", entry: JsonObject): ForeignMount {
  const path = textAt(entry, "path");
  const uuid = textAt(entry, "uuid");
  return {
    table,
    path: table === "auth" ? `auth/${path}` : path,
    type: textAt(entry, "type"),
    accessor: textAt(entry, "accessor"),
    backendUuid: textAt(entry, "backend_aware_uuid"),
    prefix: `${table === "auth" ? "auth" : "logical"}/${uuid}/`,
    options: objectAt(entry, "options"),
    entry,
  };
}

/** Those that every node has, whatever is brought over. */
export const ownTypes: ReadonlySet<string> = new Set(["system", "identity", "cubbyhole", "token"]);

/** Kinds of tokens by the numbers that they are stored as. */
export const tokenTypes = ["default", "service", "batch", "default-service", "default-batch"];

export function mountItem({ table, path, type, accessor, options, entry }: ForeignMount): Item {
  const config = objectAt(entry, "config");
  const lockout = objectAt(config, "user_lockout_config");
  const withLockout = Object.keys(lockout).length > 0;
  return {
    kind: "mount",
    path,
    data: {
      type: type === "generic" ? "kv" : type,
      description: textAt(entry, "description"),
      accessor,
      options,
      local: flagAt(entry, "local"),
      seal_wrap: flagAt(entry, "seal_wrap"),
      external_entropy_access: flagAt(entry, "external_entropy_access"),
      config: {
        default_lease_ttl: `${secondsAt(config, "default_lease_ttl")}s`,
        max_lease_ttl: `${secondsAt(config, "max_lease_ttl")}s`,
        force_no_cache: flagAt(config, "force_no_cache"),
        listing_visibility: textAt(config, "listing_visibility"),
        audit_non_hmac_request_keys: textsAt(config, "audit_non_hmac_request_keys"),
        audit_non_hmac_response_keys: textsAt(config, "audit_non_hmac_response_keys"),
        passthrough_request_headers: textsAt(config, "passthrough_request_headers"),
        allowed_response_headers: textsAt(config, "allowed_response_headers"),
        ...(table === "auth"
          ? { token_type: tokenTypes[numberAt(config, "token_type")] ?? "default" }
          : {}),
        ...(withLockout
          ? {
            user_lockout_config: {
              lockout_threshold: numberAt(lockout, "lockout_threshold"),
              lockout_duration: secondsAt(lockout, "lockout_duration"),
              lockout_counter_reset_duration: secondsAt(lockout, "lockout_counter_reset"),
              lockout_disable: flagAt(lockout, "lockout_disable") ||
                flagAt(lockout, "disable_lockout"),
            },
          }
          : {}),
      },
    },
  };
}
