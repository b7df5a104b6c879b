import type { listenerKeys } from "./keys/listener.ts";
import type { sealTables } from "./keys/seal.ts";
import type {
  auditKeys,
  consulRegistrationKeys,
  kubernetesRegistrationKeys,
  replicationKeys,
  telemetryKeys,
  userLockoutKeys,
} from "./keys/stanzas.ts";
import type { storageTables } from "./keys/storage.ts";
import type { topKeys } from "./keys/top.ts";
import type { Stanza } from "./read_stanza.ts";
import type { Table, Typed } from "./table.ts";

/** A stanza with its type, for each type that a set of tables knows. */
type ByType<Tables extends Record<string, Table>> = {
  [Type in keyof Tables]: Stanza<Tables[Type]> & { readonly type: Type };
}[keyof Tables];

export type StorageConfig = ByType<typeof storageTables>;
export type SealConfig = ByType<typeof sealTables>;

/** Every listener has all keys; those of the other type keep their defaults. */
export type ListenerConfig = Stanza<typeof listenerKeys> & { readonly type: "tcp" | "unix" };

export type ServiceRegistrationConfig = ByType<{
  consul: typeof consulRegistrationKeys;
  kubernetes: typeof kubernetesRegistrationKeys;
}>;

/** `type` is an auth method, or `all`. Use `lockoutFor`, which knows what inherits from what. */
export type UserLockoutConfig = Stanza<typeof userLockoutKeys> & { readonly type: string };

export type AuditConfig = Stanza<typeof auditKeys> & {
  readonly type: string;
  /** Mount path without a trailing slash. */
  readonly path: string;
};

export interface ServerConfig {
  /** Attributes at the top, and which of them were given. */
  readonly settings: Typed<typeof topKeys>;
  readonly given: Readonly<Record<string, unknown>>;
  readonly listeners: readonly ListenerConfig[];
  readonly storage: StorageConfig | undefined;
  readonly haStorage: StorageConfig | undefined;
  /** Empty for Shamir. */
  readonly seals: readonly SealConfig[];
  readonly serviceRegistration: ServiceRegistrationConfig | undefined;
  readonly telemetry: Stanza<typeof telemetryKeys>;
  readonly userLockouts: readonly UserLockoutConfig[];
  readonly audits: readonly AuditConfig[];
  readonly replication: Stanza<typeof replicationKeys>;
  /** Requests to run once after the first unseal, as plain data. */
  readonly initialize: readonly unknown[];
}

/** A configuration while its files are read. */
export interface Parts {
  listeners: ListenerConfig[];
  storage: StorageConfig | undefined;
  haStorage: StorageConfig | undefined;
  seals: SealConfig[];
  serviceRegistration: ServiceRegistrationConfig | undefined;
  telemetry: Stanza<typeof telemetryKeys> | undefined;
  userLockouts: UserLockoutConfig[];
  audits: AuditConfig[];
  replication: Stanza<typeof replicationKeys> | undefined;
  initialize: unknown[];
}

export function emptyParts(): Parts {
  return {
    listeners: [],
    storage: undefined,
    haStorage: undefined,
    seals: [],
    serviceRegistration: undefined,
    telemetry: undefined,
    userLockouts: [],
    audits: [],
    replication: undefined,
    initialize: [],
  };
}
