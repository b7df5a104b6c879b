/** What a node is made of. */
import type { Barrier } from "../barrier/barrier.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import type { JsonObject } from "../logical/json.ts";
import type { Storage } from "../storage/storage.ts";
import type { Platform } from "./backend.ts";
import type { IntegratedStorage, RaftIndexes } from "./integrated_storage.ts";
import type { OpenParts } from "./open.ts";
import type { StandbySettings } from "./standby_reads.ts";

export interface NodeParts extends OpenParts {
  readonly platform: Platform;
  readonly physical: Storage;
  readonly barrier: Barrier;
  /** From the configuration; "" makes one up at initialisation. */
  readonly clusterName: string;
  /** As sys/seal-status names it. */
  readonly storageType: string;
  readonly haEnabled: boolean;
  readonly addresses: { readonly api: string; readonly cluster: string };
  /** RFC 3339. */
  readonly buildDate: string;
  readonly hostname: string;
  readonly sanitizedConfig: () => JsonObject;
  readonly hostInfo: () => JsonObject;
  /** Names of what can be mounted. */
  readonly backendTypes: {
    readonly engines: readonly string[];
    readonly authMethods: readonly string[];
    readonly databases: readonly string[];
  };
  /** From the configuration; off where absent. */
  readonly rawStorageEndpoint?: boolean;
  /** What only integrated storage can do. */
  readonly integrated?: IntegratedStorage;
  /** Of integrated storage; empty for any other. */
  readonly raftIndexes: () => RaftIndexes | Record<never, never>;
  /** Where other nodes may share the storage. */
  readonly ha?: HighAvailability;
  /** The defaults where absent. */
  readonly standby?: StandbySettings;
}
