/** What is kept of a token. The token itself is not: only its keyed hash, so storage can't leak it. */
import type { TokenType } from "../logical/auth.ts";

export interface TokenEntry {
  /** The name it is kept under: a keyed hash of the token (`names.ts`). */
  readonly id: string;
  readonly accessor: string;
  /** The parent's `id`; "" for an orphan. */
  readonly parent: string;
  readonly policies: readonly string[];
  /** The request path that made it; its lease lives below. */
  readonly path: string;
  readonly meta: Readonly<Record<string, string>> | null;
  readonly displayName: string;
  /** Uses left; 0 for no limit. */
  readonly numUses: number;
  /** Milliseconds since the epoch. */
  readonly creationTime: number;
  /** Milliseconds since the epoch; 0 where the token does not expire. */
  readonly expireTime: number;
  /** Milliseconds since the epoch; 0 where it was never renewed. */
  readonly lastRenewal: number;
  /** Seconds it was made for. */
  readonly ttl: number;
  readonly explicitMaxTtl: number;
  readonly period: number;
  readonly renewable: boolean;
  readonly type: TokenType;
  readonly boundCidrs: readonly string[];
  readonly namespaceId: string;
  readonly entityId: string;
  readonly role: string;
  readonly noDefaultPolicy: boolean;
  /** For a login: the auth mount's path, so that renewals re-check the role. */
  readonly authMount: string;
  /** Kept by the auth method for renewals. */
  readonly internalData: Readonly<Record<string, unknown>>;
  /**
   * Nothing hangs on the token: no child, no leased secret, nothing in its cubbyhole. Who takes it
   * back then need not look. Absent where something does, or may.
   */
  readonly alone?: true;
  /** The role that a lease count counts it for; absent where none does. */
  readonly countedAs?: string;
}

/** What most tokens have: not said where a token is made, nor where it is stored. */
export const neutralToken = {
  parent: "",
  meta: null,
  numUses: 0,
  lastRenewal: 0,
  explicitMaxTtl: 0,
  period: 0,
  boundCidrs: [],
  namespaceId: "root",
  entityId: "",
  role: "",
  noDefaultPolicy: false,
  authMount: "auth/token/",
  internalData: {},
} satisfies Partial<TokenEntry>;

/** Whether forms that came after the first version may be written: all nodes must know them. */
export interface TokenForms {
  /** Tokens may say that nothing hangs on them. */
  readonly alone: () => boolean;
  /** Names may begin with the time (`names.ts`). */
  readonly timed: () => boolean;
  /** Entries, also of leases, may leave out what is at its neutral value (`stored_entry.ts`). */
  readonly sparse: () => boolean;
  /** Tokens may be counted by the role they were logged in with. */
  readonly counted: () => boolean;
  /** Nobody renews a lease beyond the end of its batch token. */
  readonly leaseEnds: () => boolean;
}

/** The lease under which the token is listed: its making path and its hash. */
export function tokenLeaseId(entry: TokenEntry): string {
  return `${entry.path}/h${entry.id}`;
}

/** The id of the token whose lease this may be; undefined where it can be none of a token. */
export function tokenOfLease(leaseId: string): string | undefined {
  const at = leaseId.lastIndexOf("/") + 1;
  return leaseId.length === at + 65 && leaseId[at] === "h" ? leaseId.slice(at + 1) : undefined;
}

/** Whether its time is over, also where nobody has taken it away yet. */
export function isExpired({ expireTime }: Pick<TokenEntry, "expireTime">, now: number): boolean {
  return expireTime > 0 && expireTime <= now;
}

/** Seconds left, rounded down as clients expect; 0 where it does not expire. */
export function secondsLeft(expireTime: number, now: number): number {
  return expireTime === 0 ? 0 : Math.max(0, Math.ceil((expireTime - now) / 1000));
}

export function isRoot(entry: TokenEntry): boolean {
  return entry.policies.includes("root");
}
