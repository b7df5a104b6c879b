/** What makes a server one of several: its cluster port, requests of standbys, joining by itself. */
import type { ServerConfig } from "../config/server_types.ts";
import type { Barrier } from "../barrier/barrier.ts";
import type { Platform } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import type { StandbySettings } from "../core/standby_reads.ts";
import { HighAvailability } from "../ha/high_availability.ts";
import { Failure } from "../base/failure.ts";
import type { JoinTarget } from "../ha/api_client.ts";
import { seekByDns } from "../ha/discover.ts";
import type { Seek } from "../ha/joiner.ts";
import type { RotationTimes } from "../ha/tls_rotation.ts";
import type { Endpoint } from "../raft/net/cluster_tls.ts";
import { clusterAddressOf, type NodeAddresses, parseHostPort } from "./addresses.ts";
import type { Door } from "./door.ts";
import type { OpenedStorage } from "./open_storage.ts";

/** Vault's default of performance_multiplier. */
const DEFAULT_MULTIPLIER = 5;

/** A tenth of the election timeout: 24 ms at 1, 80 ms at the default. */
function tickMsOf(multiplier: number): number {
  return 10 + 14 * (multiplier === 0 ? DEFAULT_MULTIPLIER : multiplier);
}

/** For `assembleNode`: nothing where the storage is this node's alone. */
export function haOf(
  config: ServerConfig,
  storage: OpenedStorage,
  platform: Platform,
  addresses: NodeAddresses,
): { ha?: (barrier: Barrier) => HighAvailability } {
  const { raft } = storage;
  if (raft === undefined || config.storage?.type !== "raft") return {};
  const { clock, random, crypto, log } = platform;
  const { values } = config.storage;
  const tickMs = tickMsOf(values.performance_multiplier);
  const ha = (barrier: Barrier) =>
    new HighAvailability({
      storage: raft,
      barrier,
      clock,
      random,
      crypto,
      log: log.named("ha"),
      addresses,
      listenAt: clusterEndpoints(config, addresses),
      tickMs,
      hostname: Deno.hostname(),
      zone: values.autopilot_redundancy_zone,
      upgradeVersion: values.autopilot_upgrade_version,
      rotation: rotationTimes(values.cluster_tls_rotation_interval * 1000),
    });
  return { ha };
}

/** A node that is cut off for as long as the overlap is no trouble: it is waited for anyway. */
function rotationTimes(everyMs: number): RotationTimes {
  return { everyMs, overlapMs: Math.min(30_000, everyMs / 8) };
}

/** Where nodes knock: beside each listener that says so, or where they were told to. */
function clusterEndpoints(config: ServerConfig, { cluster }: NodeAddresses): Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const listener of config.listeners) {
    if (listener.type !== "tcp") continue;
    const given = clusterAddressOf(listener);
    const parsed = parseHostPort(given);
    if (parsed !== undefined) endpoints.set(given, parsed);
  }
  if (endpoints.size === 0) {
    const parsed = parseHostPort(cluster.replace(/^[a-z]+:\/\//, ""));
    if (parsed !== undefined) endpoints.set(cluster, parsed);
  }
  return [...endpoints.values()];
}

/** What the configuration in force says of reads on standbys. */
export function standbySettings(config: () => ServerConfig): StandbySettings {
  return {
    get answersReads() {
      const { disable_standby_reads, disable_performance_standby } = config().settings;
      return !disable_standby_reads && !disable_performance_standby;
    },
    get headersForward() {
      return config().replication.values.allow_forwarding_via_header;
    },
    get maxStalenessMs() {
      return config().settings.standby_max_staleness * 1000;
    },
    get indexWaitMs() {
      return config().replication.values.best_effort_wal_wait_duration * 1000;
    },
  };
}

/** Requests that standbys pass on are answered as if they had come to a listener here. */
export function takeForwarded(node: Node, door: Door): void {
  const { ha } = node;
  if (ha === undefined) return;
  ha.forwardTarget = {
    get isActive() {
      return !node.sealed && !node.standby;
    },
    handle: (request, connection) => door.handleForwarded(request, connection),
  };
}

/** A new node whose configuration names others asks them until one lets it in. */
export async function joinByItself({ storage }: ServerConfig, node: Node): Promise<void> {
  const { ha } = node;
  if (ha === undefined || storage?.type !== "raft" || ha.group.isMember) return;
  const { retry_join: stanzas, retry_join_as_non_voter: nonVoter } = storage.values;
  const sources: Seek[] = [];
  for (const stanza of stanzas) {
    const trust = {
      caCert: await pem(stanza.leader_ca_cert, stanza.leader_ca_cert_file),
      clientCert: await pem(stanza.leader_client_cert, stanza.leader_client_cert_file),
      clientKey: await pem(stanza.leader_client_key, stanza.leader_client_key_file),
      serverName: stanza.leader_tls_servername ?? "",
    };
    const { leader_api_addr: address, auto_join, auto_join_scheme, auto_join_port } = stanza;
    if (address !== undefined) sources.push(() => Promise.resolve([{ ...trust, address }]));
    else {
      const found = { scheme: auto_join_scheme, port: auto_join_port, trust };
      sources.push(seekByDns(auto_join ?? "", found));
    }
  }
  if (sources.length > 0) void ha.joiner.begin(seekAll(sources, node), nonVoter, true);
}

/** What one source can't tell is logged, and the others are asked all the same. */
function seekAll(sources: readonly Seek[], node: Node): Seek {
  return async () => {
    const found: JoinTarget[] = [];
    for (const seek of sources) {
      try {
        found.push(...await seek());
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        node.platform.log.warn("no nodes to join were found", { error: error.message });
      }
    }
    return found;
  };
}

async function pem(text: string | undefined, file: string | undefined): Promise<string> {
  if (text !== undefined && text !== "") return text;
  return file === undefined || file === "" ? "" : await Deno.readTextFile(file);
}
