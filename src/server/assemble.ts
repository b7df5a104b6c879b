/** Puts a node together: storage, barrier, seal, mounts. */
import { systemClock, systemRandom } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { Barrier } from "../barrier/barrier.ts";
import type { Platform } from "../core/backend.ts";
import { Node } from "../core/node.ts";
import type { NodeParts } from "../core/node_parts.ts";
import { chooseProvider } from "../crypto/choose.ts";
import type { Feature } from "../ha/features.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import { defaultPolicyText, responseWrappingPolicyText } from "../policy/builtin.ts";
import type { Storage } from "../storage/storage.ts";
import { auditDevices } from "./audit_devices.ts";
import { backendFactory, backendTypes } from "./backends.ts";
import { hostInfo } from "./host_info.ts";

/** What differs from node to node. */
export interface NodeSettings {
  readonly physical: Storage;
  readonly storageType: string;
  readonly haEnabled: boolean;
  readonly clusterName: string;
  readonly addresses: { readonly api: string; readonly cluster: string };
  /** Read anew each time, so that a reload can change it. */
  readonly ttls: NodeParts["ttls"];
  readonly cacheEntries: number;
  /** The defaults where absent. */
  readonly lockout?: NodeParts["lockout"];
  readonly raftIndexes: NodeParts["raftIndexes"];
  readonly integrated?: NodeParts["integrated"];
  /** Makes the node one of several. */
  readonly ha?: (barrier: Barrier) => HighAvailability;
  readonly telemetry?: NodeParts["telemetry"];
  readonly standby?: NodeParts["standby"];
  readonly rawStorageEndpoint?: boolean;
  /** What sys/config/state/sanitized shows; empty for a dev server. */
  readonly sanitizedConfig?: NodeParts["sanitizedConfig"];
  readonly auditRules?: NodeParts["auditRules"];
  /** Directory whose disk sys/host-info tells of. */
  readonly dataPath?: string;
}

/** When this was built; a checkout is always of today's making. */
export const buildDate = "2026-11-21T00:00:00Z";

/** The machine as everything below `server/` is given it. */
export function createPlatform(log: Logger): Platform {
  return { clock: systemClock, random: systemRandom, crypto: chooseProvider(log), log };
}

/** A node, sealed. */
export function assembleNode(platform: Platform, settings: NodeSettings): Node {
  const { crypto, clock, random } = platform;
  const barrier = new Barrier({ physical: settings.physical, crypto, clock, random });
  const ha = settings.ha?.(barrier);
  // Alone nobody can lag behind.
  const isUsed = (feature: Feature) => ha === undefined || ha.features.isInUse(feature);
  const node: Node = new Node({
    platform,
    barrier,
    physical: settings.physical,
    storageType: settings.storageType,
    haEnabled: settings.haEnabled,
    clusterName: settings.clusterName,
    addresses: settings.addresses,
    buildDate,
    hostname: Deno.hostname(),
    sanitizedConfig: settings.sanitizedConfig ?? (() => ({})),
    hostInfo: () => hostInfo(platform, settings.dataPath ?? "/"),
    backendTypes,
    raftIndexes: settings.raftIndexes,
    rawStorageEndpoint: settings.rawStorageEndpoint ?? false,
    ...(settings.integrated === undefined ? {} : { integrated: settings.integrated }),
    ...(ha === undefined ? {} : { ha }),
    tokenForms: {
      alone: () => isUsed("lone-tokens"),
      timed: () => isUsed("timed-tokens"),
      sparse: () => isUsed("sparse-entries"),
      counted: () => isUsed("role-counts"),
      leaseEnds: () => isUsed("batch-lease-ends"),
    },
    ...(settings.telemetry === undefined ? {} : { telemetry: settings.telemetry }),
    ...(settings.standby === undefined ? {} : { standby: settings.standby }),
    ttls: settings.ttls,
    cacheEntries: settings.cacheEntries,
    ...(settings.lockout === undefined ? {} : { lockout: settings.lockout }),
    policies: { default: defaultPolicyText, wrapping: responseWrappingPolicyText },
    backends: backendFactory(() => node),
    auditDevices: auditDevices(clock),
    ...(settings.auditRules === undefined ? {} : { auditRules: settings.auditRules }),
  });
  return node;
}
