/** What lives between unseal and seal. Made in one place, passed as one value. */
import type { Auditor } from "../audit/record.ts";
import type { AuditTable } from "../audit/store.ts";
import type { Identity } from "../identity/identity.ts";
import type { LeaseStore } from "../lease/store.ts";
import type { Quotas } from "../quota/quotas.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transactions } from "../storage/transaction.ts";
import type { RequestsInFlight } from "./in_flight.ts";
import type { RequestMetrics } from "../telemetry/request_metrics.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BatchTokens } from "../token/batch.ts";
import type { TokenStore } from "../token/store.ts";
import type { Activity } from "./activity/activity.ts";
import type { Acls } from "./acls.ts";
import type { Expiration } from "./expiration.ts";
import type { HttpSettings } from "./http_settings.ts";
import type { TokenIssuer } from "./issue.ts";
import type { LoadedSnapshots } from "./loaded_snapshots.ts";
import type { Lockouts } from "./lockout.ts";
import type { Mounts } from "./mounts.ts";
import type { Revoker } from "./revoke.ts";
import type { StateIndex } from "./state_index.ts";
import type { Wrapping } from "./wrapping.ts";

export interface Services {
  readonly transactions: Transactions;
  readonly cache: EntryCache;
  readonly mounts: Mounts;
  readonly acls: Acls;
  readonly tokens: TokenStore;
  readonly batchTokens: BatchTokens;
  readonly issuer: TokenIssuer;
  readonly leases: LeaseStore;
  readonly expiration: Expiration;
  readonly revoker: Revoker;
  readonly wrapping: Wrapping;
  readonly identity: Identity;
  readonly lockouts: Lockouts;
  readonly audit: AuditTable;
  readonly auditor: Auditor;
  readonly httpSettings: HttpSettings;
  readonly quotas: Quotas;
  readonly stateIndex: StateIndex;
  /** What single secrets can be read and recovered from. */
  readonly snapshots: LoadedSnapshots;
  /** Counts who uses the server. */
  readonly activity: Activity;
  readonly telemetry: Telemetry;
  readonly metrics: RequestMetrics;
  readonly times: OperationTimes;
  /** Requests that have not been answered yet. */
  readonly inFlight: RequestsInFlight;
  /**
   * Undefined where this node is the active one for certain; else resolves once that is proved. For
   * who is to rely on what it reads although it has waited long. Rejects with a 503.
   */
  readonly confirmActive: () => Promise<void> | undefined;
  /** Another node is active: what is written here is refused, and passed on. */
  readonly isStandby: boolean;
}
