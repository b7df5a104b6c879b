import { type HclBlock, toPlain } from "./hcl/query.ts";
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
import { type ReadContext, readStanza } from "./read_stanza.ts";
import type {
  Parts,
  SealConfig,
  ServiceRegistrationConfig,
  StorageConfig,
} from "./server_types.ts";
import { didYouMean } from "./suggest.ts";

/** Names of stanzas and the older names of two of them. */
export const stanzaNames: Readonly<Record<string, string>> = {
  listener: "listener",
  storage: "storage",
  backend: "storage",
  ha_storage: "ha_storage",
  ha_backend: "ha_storage",
  seal: "seal",
  hsm: "seal",
  service_registration: "service_registration",
  telemetry: "telemetry",
  user_lockout: "user_lockout",
  audit: "audit",
  replication: "replication",
  initialize: "initialize",
};

/** Stanzas of Vault that mean nothing here. */
export const ignoredStanzas: ReadonlySet<string> = new Set([
  "reporting",
  "sentinel",
  "entropy",
  "kms_library",
  "license",
  "hcp",
  "plugin",
]);

interface StanzaReader {
  /** How many labels; `fallback` where several numbers are possible. */
  readonly labels: number | { readonly fallback: number };
  /** A second one in the same file is an error. */
  readonly single: boolean;
  readonly read: (block: HclBlock, context: ReadContext, parts: Parts) => void;
}

export const stanzaReaders: Readonly<Record<string, StanzaReader>> = {
  listener: { labels: 1, single: false, read: readListener },
  storage: {
    labels: 1,
    single: true,
    read: (block, context, parts) => parts.storage = readStorage(block, context),
  },
  ha_storage: {
    labels: 1,
    single: true,
    read: (block, context, parts) => parts.haStorage = readStorage(block, context),
  },
  seal: { labels: 1, single: false, read: readSeal },
  service_registration: { labels: 1, single: true, read: readRegistration },
  telemetry: {
    labels: 0,
    single: true,
    read: (block, context, parts) => {
      parts.telemetry = readStanza(telemetryKeys, block.body, context);
    },
  },
  user_lockout: { labels: 1, single: false, read: readLockout },
  audit: { labels: { fallback: 1 }, single: false, read: readAudit },
  replication: {
    labels: 0,
    single: true,
    read: (block, context, parts) => {
      parts.replication = readStanza(replicationKeys, block.body, context);
    },
  },
  initialize: {
    labels: { fallback: 0 },
    single: false,
    read: (block, _context, parts) => parts.initialize.push(toPlain(block.body)),
  },
};

function label(block: HclBlock, index = 0): string {
  return block.labels[index]?.text ?? "";
}

function unknownType(block: HclBlock, context: ReadContext, known: readonly string[]): void {
  const type = label(block);
  const hint = didYouMean(type, known) || `; expected one of ${known.join(", ")}`;
  context.notes.error(context.file, block.at, `unknown ${block.name} type "${type}"${hint}`);
}

function readListener(block: HclBlock, context: ReadContext, parts: Parts): void {
  const type = label(block);
  if (type !== "tcp" && type !== "unix") return unknownType(block, context, ["tcp", "unix"]);
  parts.listeners.push({ type, ...readStanza(listenerKeys, block.body, context) });
}

/** The stanza of a storage, whatever its name; undefined for an unknown type, which is noted. */
export function readStorage(block: HclBlock, context: ReadContext): StorageConfig | undefined {
  const { body } = block;
  switch (label(block)) {
    case "raft":
      return { type: "raft", ...readStanza(storageTables.raft, body, context) };
    case "consul":
      return { type: "consul", ...readStanza(storageTables.consul, body, context) };
    case "etcd":
    case "etcd3":
      return { type: "etcd", ...readStanza(storageTables.etcd, body, context) };
    case "zookeeper":
      return { type: "zookeeper", ...readStanza(storageTables.zookeeper, body, context) };
    case "postgresql":
      return { type: "postgresql", ...readStanza(storageTables.postgresql, body, context) };
    case "s3":
      return { type: "s3", ...readStanza(storageTables.s3, body, context) };
    case "file":
      return { type: "file", ...readStanza(storageTables.file, body, context) };
    case "inmem":
      return { type: "inmem", ...readStanza(storageTables.inmem, body, context) };
    case "inmem_ha":
      return { type: "inmem_ha", ...readStanza(storageTables.inmem_ha, body, context) };
  }
  unknownType(block, context, Object.keys(storageTables));
  return undefined;
}

function readSeal(block: HclBlock, context: ReadContext, parts: Parts): void {
  const seal = sealOf(label(block), block, context);
  if (seal === undefined) unknownType(block, context, Object.keys(sealTables));
  else parts.seals.push(seal);
}

/** A seal's stanza read by its type's table; undefined for an unknown type. */
export function sealOf(
  type: string,
  { body }: Pick<HclBlock, "body">,
  context: ReadContext,
): SealConfig | undefined {
  switch (type) {
    case "shamir":
      return { type, ...readStanza(sealTables.shamir, body, context) };
    case "awskms":
      return { type, ...readStanza(sealTables.awskms, body, context) };
    case "azurekeyvault":
      return { type, ...readStanza(sealTables.azurekeyvault, body, context) };
    case "gcpckms":
      return { type, ...readStanza(sealTables.gcpckms, body, context) };
    case "transit":
      return { type, ...readStanza(sealTables.transit, body, context) };
    case "pkcs11":
      return { type, ...readStanza(sealTables.pkcs11, body, context) };
    case "static":
      return { type, ...readStanza(sealTables.static, body, context) };
    case "kmip":
      return { type, ...readStanza(sealTables.kmip, body, context) };
    case "alicloudkms":
      return { type, ...readStanza(sealTables.alicloudkms, body, context) };
    case "ocikms":
      return { type, ...readStanza(sealTables.ocikms, body, context) };
  }
  return undefined;
}

function readRegistration(block: HclBlock, context: ReadContext, parts: Parts): void {
  const read = (): ServiceRegistrationConfig | undefined => {
    const type = label(block);
    if (type === "consul") {
      return { type, ...readStanza(consulRegistrationKeys, block.body, context) };
    }
    if (type !== "kubernetes") return undefined;
    return { type, ...readStanza(kubernetesRegistrationKeys, block.body, context) };
  };
  parts.serviceRegistration = read();
  if (parts.serviceRegistration === undefined) {
    unknownType(block, context, ["consul", "kubernetes"]);
  }
}

function readLockout(block: HclBlock, context: ReadContext, parts: Parts): void {
  const type = label(block).toLowerCase();
  const known = ["all", "userpass", "ldap", "approle"];
  if (!known.includes(type)) return unknownType(block, context, known);
  const stanza = { type, ...readStanza(userLockoutKeys, block.body, context) };
  parts.userLockouts = [...parts.userLockouts.filter((one) => one.type !== type), stanza];
}

function readAudit(block: HclBlock, context: ReadContext, parts: Parts): void {
  const stanza = readStanza(auditKeys, block.body, context);
  const type = label(block);
  const path = (stanza.values.path ?? (label(block, 1) || type)).replace(/\/+$/, "");
  if (parts.audits.some((other) => other.path === path)) {
    context.notes.error(context.file, block.at, `an audit device "${path}" exists already`);
  } else parts.audits.push({ type, path, ...stanza });
}
