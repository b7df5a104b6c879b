/** What is mounted: the contract between the core and a secrets engine, auth method or `sys/`. */
import type { Bytes } from "../base/bytes.ts";
import type { Awaitable } from "../base/awaitable.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import type { JsonObject } from "../logical/json.ts";
import type { Auth } from "../logical/auth.ts";
import type { Namespace } from "../logical/namespace.ts";
import type { Operation, Request } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { Transaction, View } from "../storage/transaction.ts";
import type { TokenTypeSetting } from "./mount_entry.ts";
import type { TokenEntry } from "../token/entry.ts";

/** The machine, as every backend may use it. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Logger;
}

/** A mount as its backend sees it. TTLs in seconds, the system's defaults already applied. */
export interface MountInfo {
  readonly path: string;
  readonly uuid: string;
  readonly accessor: string;
  readonly namespace: Namespace;
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
  /** Auth mounts: the type of the tokens that logins get; "" is default-service. */
  readonly tokenType: "" | TokenTypeSetting;
}

/** One request as it reaches a backend. `path` is relative to the mount. */
export interface Call {
  readonly request: Request;
  readonly path: string;
  readonly mount: MountInfo;
  /** This mount's own keys, within the request's transaction. */
  readonly storage: View;
  /** All keys; for the rooms of the core itself (`sys/`, `auth/token/`). */
  readonly transaction: Transaction;
  /** Undefined on unauthenticated paths. */
  readonly token: TokenEntry | undefined;
  /**
   * The decoded value of one of this mount's keys, kept in memory until it changes. For small things
   * that nearly every request needs, never for secrets; a key always with the same `decode`.
   */
  readonly cached: <T>(key: string, decode: (bytes: Bytes) => T) => Awaitable<T | undefined>;
  /**
   * Tells `cached` what the bytes that were put at a key decode to, for when they are durable. Only
   * for keys that are never put without having been read in the same transaction.
   */
  readonly keep?: (key: string, value: Bytes, decoded: unknown) => void;
  /** What the backend's `exists` has made of the call, for its `handle`; nobody else's business. */
  prepared?: unknown;
  /** Set for the operation "recover" alone: what is to come back, in a snapshot. */
  readonly recovered?: RecoverySource;
}

/** Something in a loaded snapshot. */
export interface RecoverySource {
  /** Relative to the mount. */
  readonly path: string;
  /** Of the engine that was mounted there. */
  readonly type: string;
  /** As it was then: its version of a format may be another than the live one's. */
  readonly mount: MountInfo;
  /** Of that mount; what is written to it goes nowhere. */
  readonly storage: View;
}

/** A lease that must be taken back or renewed. */
export interface LeaseCall {
  readonly mount: MountInfo;
  readonly storage: View;
  readonly internalData: JsonObject;
  /** On renewal: seconds that the client asked for, 0 for none. */
  readonly incrementSeconds: number;
  /** On renewal: when the lease was issued, milliseconds. */
  readonly issueTime: number;
}

/** That a lease ends. */
export interface RevokeCall extends LeaseCall {
  /**
   * Work that needs transactions of its own, or an answer from outside, which nobody else is to wait
   * for: it is done after what the call has changed is kept, and before anybody is told.
   */
  readonly beforeAnswer: (task: () => Promise<void>) => void;
  /** It has ended, but may come to be after that: it is to be ended once more, so many milliseconds on. */
  readonly lookAgain: (afterMs: number) => void;
}

/**
 * Paths treated apart, relative to the mount: exact, or a prefix with a trailing `*`, or with `+`
 * for one segment.
 */
export interface SpecialPaths {
  /** Need no token. */
  readonly unauthenticated?: readonly string[];
  /** Need `sudo` beside the operation's capability. */
  readonly root?: readonly string[];
}

export interface LogicalBackend {
  readonly type: string;
  readonly specialPaths: SpecialPaths;
  /** Answers, or undefined for an empty 204. Throws `Failure`. */
  handle(call: Call): Awaitable<LogicalResponse | undefined>;
  /** Whether an update would change something that is there; undefined where it makes no odds. */
  exists(call: Call): Awaitable<boolean | undefined>;
  /**
   * Whether an operation only looks at what is stored, through its call, so that a standby may
   * answer it from the log that it follows. None, where absent.
   */
  onStandby?(path: string, operation: Operation): boolean;
  /**
   * Whether reads and lists of a path look at nothing but `storage` and `cached` of their call, so that
   * they may be answered from a loaded snapshot as well. Of none, where absent.
   */
  readsFromSnapshot?(path: string): boolean;
  /** Called in the transaction that mounts it, and again when its options are tuned. */
  initialize?(call: Pick<Call, "mount" | "storage" | "transaction">): Awaitable<void>;
  /**
   * Takes back what a lease of this backend stands for, or fails within about a minute. May be called
   * again after a failure, and many at a time. Throws `TargetUnavailable` where nobody answers.
   */
  revoke?(call: RevokeCall): Promise<void>;
  /** With whom `revoke` speaks, of several: while one does not answer, the others' leases end. */
  revocationTarget?(internalData: JsonObject): string;
  /** Extends it; the answer's secret carries the new TTLs. */
  renew?(call: LeaseCall): Promise<LogicalResponse>;
  /** The role that a login asks for, where the method has roles: quotas may be for one. */
  loginRole?(call: Call): Awaitable<string | undefined>;
  /** The same of a login that is done, by what it has left in its token's `internalData`. */
  tokenRole?(internalData: Readonly<Record<string, unknown>>): string | undefined;
  /** Re-checks a login on renewal of its token; the answer's TTLs are the role's of today. */
  renewLogin?(call: LeaseCall, auth: Auth): Promise<Auth>;
  /** The mount answers from now on, on this node: work of its own may begin. */
  start?(mount: MountInfo): void;
  /** Lets go of what it holds outside (connections, timers): the node seals, or the mount is gone. */
  close?(): Awaitable<void>;
  /** Below which folder of its storage each secret has one name, where they are counted. */
  secretNames?(options: MountInfo["options"]): string;
  /** Declared paths, for help and OpenAPI. */
  describe?(options: MountInfo["options"]): BackendDescription;
}

/** What a backend tells of itself; `backend/` derives help and OpenAPI from it. */
export interface BackendDescription {
  readonly help: string;
  readonly paths: readonly PathDescription[];
}

export interface PathDescription {
  /** In OpenAPI form: `roles/{name}`. */
  readonly template: string;
  readonly summary: string;
  readonly description: string;
  readonly unauthenticated: boolean;
  readonly sudo: boolean;
  readonly parameters: readonly FieldDescription[];
  readonly fields: readonly FieldDescription[];
  readonly operations: Readonly<Record<string, { readonly summary: string }>>;
}

export interface FieldDescription {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly default?: string | number | boolean;
  readonly query: boolean;
}
