/** A mount as it is kept in storage. */
export type MountTableName = "mounts" | "auth" | "audit";

/** TTLs in seconds; 0 takes the system's. */
export interface MountConfig {
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly forceNoCache: boolean;
  readonly listingVisibility: "" | "hidden" | "unauth";
  readonly auditNonHmacRequestKeys: readonly string[];
  readonly auditNonHmacResponseKeys: readonly string[];
  readonly passthroughRequestHeaders: readonly string[];
  readonly allowedResponseHeaders: readonly string[];
  /** Auth mounts: the type of the tokens that logins get. */
  readonly tokenType: "" | TokenTypeSetting;
  readonly userLockout: UserLockoutConfig | null;
}

export type TokenTypeSetting = "service" | "batch" | "default-service" | "default-batch";

export interface UserLockoutConfig {
  readonly threshold: number;
  /** Seconds. */
  readonly duration: number;
  readonly counterReset: number;
  readonly disable: boolean;
}

export interface MountEntry {
  readonly uuid: string;
  readonly table: MountTableName;
  /** Ends in "/"; below "auth/" for auth methods, that prefix not included. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly accessor: string;
  readonly config: MountConfig;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
  readonly sealWrap: boolean;
  readonly externalEntropyAccess: boolean;
  readonly namespaceId: string;
  /** Being disabled: answers nothing, its data goes. */
  readonly tainted: boolean;
}

export const defaultMountConfig: MountConfig = {
  defaultLeaseTtl: 0,
  maxLeaseTtl: 0,
  forceNoCache: false,
  listingVisibility: "",
  auditNonHmacRequestKeys: [],
  auditNonHmacResponseKeys: [],
  passthroughRequestHeaders: [],
  allowedResponseHeaders: [],
  tokenType: "",
  userLockout: null,
};

/** The path under which requests reach the mount. */
export function routePath(entry: MountEntry): string {
  return entry.table === "auth" ? `auth/${entry.path}` : entry.path;
}

/** Where the mount's own data lies. */
export function storagePrefix(entry: MountEntry): string {
  if (entry.type === "system") return "sys/";
  return `${entry.table === "auth" ? "auth" : "logical"}/${entry.uuid}/`;
}
