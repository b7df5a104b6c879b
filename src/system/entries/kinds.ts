/** Every kind of entry that the core keeps: where it lies, what form it has, when it can be read. */
import { describeError } from "../../base/failure.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { type Shape, shapeProblem } from "./shape.ts";

/** What can be mounted in this build. */
export interface KnownTypes {
  readonly engines: ReadonlySet<string>;
  readonly authMethods: ReadonlySet<string>;
  readonly auditDevices: ReadonlySet<string>;
}

/** The types that can be enabled, and those that every node has. */
export function knownTypes(
  types: { readonly engines: readonly string[]; readonly authMethods: readonly string[] },
  auditDevices: readonly string[],
): KnownTypes {
  return {
    engines: new Set([...types.engines, "cubbyhole", "identity", "system"]),
    authMethods: new Set([...types.authMethods, "token"]),
    auditDevices: new Set(auditDevices),
  };
}

export interface EntryKind {
  readonly type: string;
  /** Its group, where it has one, is what `check` is told as the name. */
  readonly pattern: RegExp;
  readonly form: "json" | "text" | "bytes";
  /** A node that can't read it does not start. */
  readonly isNeeded?: true;
  /** Why it could not be read, in words without values; undefined where it could. */
  readonly check?: (value: JsonValue, name: string, known: KnownTypes) => string | undefined;
  /** The bytes that it must have. */
  readonly length?: number;
}

const mountShape: Shape = {
  uuid: "text",
  table: "text",
  path: "text",
  type: "text",
  description: "text",
  accessor: "text",
  config: "object",
  options: "object",
  local: "boolean",
  sealWrap: "boolean",
  namespaceId: "text",
  tainted: "boolean",
};

const mountConfigShape: Shape = {
  defaultLeaseTtl: "number",
  maxLeaseTtl: "number",
  auditNonHmacRequestKeys: "texts",
  auditNonHmacResponseKeys: "texts",
  passthroughRequestHeaders: "texts",
  allowedResponseHeaders: "texts",
  "userLockout?": "object",
};

function mountProblem(table: "mounts" | "auth") {
  return (value: JsonValue, name: string, known: KnownTypes): string | undefined => {
    const problem = shapeProblem(value, mountShape);
    if (problem !== undefined || !isJsonObject(value)) return problem;
    const { uuid, path, type, config } = value;
    if (value.table !== table) return `table is not "${table}"`;
    if (uuid !== name) return "uuid is not that of its key";
    if (typeof path !== "string" || !/^[^/].*\/$/s.test(path)) {
      return 'path does not end in "/", or begins with it';
    }
    const types = table === "mounts" ? known.engines : known.authMethods;
    if (typeof type !== "string" || !types.has(type)) {
      return `type is none of ${[...types].sort().join(", ")}`;
    }
    return shapeProblem(config ?? null, mountConfigShape, "config");
  };
}

const tokenShape: Shape = {
  id: "text",
  accessor: "text",
  "parent?": "text",
  policies: "texts",
  path: "text",
  displayName: "text",
  "numUses?": "number",
  creationTime: "number",
  expireTime: "number",
  ttl: "number",
  renewable: "boolean",
  type: "text",
  "boundCidrs?": "texts",
  "entityId?": "text",
};

const leaseShape: Shape = {
  id: "text",
  kind: "text",
  "tokenId?": "text",
  issueTime: "number",
  expireTime: "number",
  renewable: "boolean",
  "internalData?": "object",
};

const shaped = (shape: Shape) => (value: JsonValue) => shapeProblem(value, shape);

function policyProblem(value: JsonValue, name: string): string | undefined {
  const problem = shapeProblem(value, { text: "text", version: "number" });
  if (problem !== undefined || !isJsonObject(value)) return problem;
  try {
    parsePolicy(String(value.text), name);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function auditProblem(value: JsonValue, name: string, known: KnownTypes): string | undefined {
  const shape: Shape = { uuid: "text", path: "text", type: "text", options: "object" };
  const problem = shapeProblem(value, shape);
  if (problem !== undefined || !isJsonObject(value)) return problem;
  if (value.uuid !== name) return "uuid is not that of its key";
  if (known.auditDevices.has(String(value.type))) return undefined;
  return `type is none of ${[...known.auditDevices].sort().join(", ")}`;
}

/** The field that must say the same as the key's last part. */
function named(field: string, shape: Shape) {
  return (value: JsonValue, name: string): string | undefined => {
    const problem = shapeProblem(value, shape);
    if (problem !== undefined || !isJsonObject(value)) return problem;
    return value[field] === name ? undefined : `${field} is not that of its key`;
  };
}

export const kinds: readonly EntryKind[] = [
  {
    type: "mount table entry",
    pattern: /^core\/mounts\/([^/]+)$/,
    form: "json",
    isNeeded: true,
    check: mountProblem("mounts"),
  },
  {
    type: "auth table entry",
    pattern: /^core\/auth\/([^/]+)$/,
    form: "json",
    isNeeded: true,
    check: mountProblem("auth"),
  },
  {
    type: "audit table entry",
    pattern: /^core\/audit\/([^/]+)$/,
    form: "json",
    isNeeded: true,
    check: auditProblem,
  },
  {
    type: "policy",
    pattern: /^sys\/policy\/(.+)$/,
    form: "json",
    check: policyProblem,
  },
  { type: "password policy", pattern: /^core\/password-policies\/(.+)$/, form: "text" },
  {
    type: "token",
    pattern: /^sys\/token\/id\/([^/]+)$/,
    form: "json",
    check: named("id", tokenShape),
  },
  {
    type: "hash of the token that an accessor is of",
    pattern: /^sys\/token\/accessor\//,
    form: "text",
  },
  { type: "mark of a token's child", pattern: /^sys\/token\/parent\//, form: "bytes" },
  { type: "mark of a counted token", pattern: /^sys\/token\/counted\//, form: "bytes" },
  {
    type: "salt of token hashes",
    pattern: /^sys\/token\/salt$/,
    form: "bytes",
    isNeeded: true,
    length: 32,
  },
  {
    type: "settings of client counts",
    pattern: /^sys\/clients\/config$/,
    form: "json",
    check: shaped({ enabled: "text", retentionMonths: "number", defaultReportMonths: "number" }),
  },
  {
    type: "clients of a month",
    pattern: /^sys\/clients\/month\/[^/]+\/head$/,
    form: "json",
    check: shaped({ threshold: "number", parts: "number", mounts: "texts" }),
  },
  {
    type: "who the clients of a month are",
    pattern: /^sys\/clients\/month\/[^/]+\/first-\d+$/,
    form: "json",
  },
  {
    type: "hashes of the clients of a month",
    pattern: /^sys\/clients\/month\/[^/]+\/\d+$/,
    form: "bytes",
  },
  {
    type: "lease",
    pattern: /^sys\/expire\/id\/(.+)$/,
    form: "json",
    check: named("id", leaseShape),
  },
  {
    type: "failed end of a lease",
    pattern: /^sys\/expire\/failed\/(.+)$/,
    form: "json",
    check: shaped(leaseShape),
  },
  {
    type: "place of a lease in order",
    pattern: /^sys\/expire\/(?:time|ending|token)\//,
    form: "text",
  },
  { type: "revocation under way", pattern: /^sys\/expire\/prefix\//, form: "json" },
  {
    type: "mark that no lease outlives its batch token",
    pattern: /^sys\/expire\/batch-ends$/,
    form: "text",
  },
  {
    type: "quota",
    pattern: /^sys\/quotas\/(?:rate-limit|lease-count)\/(.+)$/,
    form: "json",
    isNeeded: true,
    check: named("name", { name: "text" }),
  },
  {
    type: "settings of quotas",
    pattern: /^sys\/quotas\/config$/,
    form: "json",
    isNeeded: true,
    check: shaped({ exemptPaths: "texts" }),
  },
  {
    type: "settings of HTTP",
    pattern: /^core\/http-settings$/,
    form: "json",
    isNeeded: true,
    check: shaped({ uiHeaders: "object", auditedHeaders: "object" }),
  },
  {
    type: "identity of the cluster",
    pattern: /^core\/cluster\/local\/info$/,
    form: "json",
    isNeeded: true,
    check: shaped({ id: "text", name: "text" }),
  },
  {
    type: "key of wrapping tokens",
    pattern: /^core\/wrapping\/jwtkey$/,
    form: "json",
    isNeeded: true,
  },
  {
    type: "key of X-Vault-Index",
    pattern: /^core\/index-header-hmac-key$/,
    form: "bytes",
    isNeeded: true,
    length: 32,
  },
  {
    type: "entity",
    pattern: /^identity\/entity\/id\/([^/]+)$/,
    form: "json",
    check: named("id", { id: "text", name: "text" }),
  },
  {
    type: "group",
    pattern: /^identity\/group\/id\/([^/]+)$/,
    form: "json",
    check: named("id", { id: "text", name: "text" }),
  },
  { type: "index of identity", pattern: /^identity\//, form: "text" },
  { type: "state of a remount", pattern: /^sys\/remount-status\//, form: "json" },
  { type: "version that ran here", pattern: /^core\/versions\//, form: "json" },
  { type: "revision of the mount tables", pattern: /^core\/mounts-revision$/, form: "text" },
  { type: "salt of audit hashes", pattern: /^core\/audit-salt\//, form: "bytes" },
  { type: "use of the encryption key", pattern: /^core\/keyring-usage$/, form: "bytes" },
  { type: "TLS keys of the cluster", pattern: /^core\/raft\/tls$/, form: "json" },
  { type: "settings of autopilot", pattern: /^core\/raft\/autopilot$/, form: "json" },
  {
    type: "settings of an automated snapshot",
    pattern: /^core\/snapshot-auto\/config\/(.+)$/,
    form: "json",
    check: shaped({ storage_type: "text", interval: "number" }),
  },
  {
    type: "state of an automated snapshot",
    pattern: /^core\/snapshot-auto\/state\//,
    form: "json",
  },
  { type: "loaded snapshot", pattern: /^core\/loaded-snapshot$/, form: "json" },
  { type: "change by sys/raw", pattern: /^core\/raw-undo\//, form: "json" },
];

const kvKeyShape: Shape = {
  currentVersion: "number",
  oldestVersion: "number",
  created: "number",
  updated: "number",
  maxVersions: "number",
  casRequired: "boolean",
  versions: "object",
};

/** Kinds within a KV mount, by what follows the mount's prefix. */
export const kvKinds: readonly EntryKind[] = [
  { type: "secret", pattern: /^v1\/(.+)$/, form: "json", check: shaped({}) },
  {
    type: "metadata of a secret",
    pattern: /^v2\/metadata\/(.+)$/,
    form: "json",
    check: shaped(kvKeyShape),
  },
  { type: "version of a secret", pattern: /^v2\/versions\/\d+\/(.+)$/, form: "json" },
  {
    type: "settings of the mount",
    pattern: /^v2\/config$/,
    form: "json",
    check: shaped({ maxVersions: "number", casRequired: "boolean" }),
  },
];

/** The path under which a mount's requests reach it, out of its entry. */
export function mountLabel(entry: JsonObject): string {
  const prefix = entry.table === "auth" ? "auth/" : "";
  return `${prefix}${String(entry.path)} (${String(entry.type)})`;
}
