/** Puts a server together: storage, node, listeners; and takes it apart again. */
import type { AuditRules } from "../audit/store.ts";
import { describeError } from "../base/failure.ts";
import { lockoutFor } from "../config/lockout.ts";
import { sanitizedConfig } from "../config/sanitized.ts";
import type { ListenerConfig, ServerConfig } from "../config/server_types.ts";
import type { Platform } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import { isJsonObject, parseJson } from "../logical/json.ts";
import { type LogControl, noLogControl } from "../telemetry/log_control.ts";
import { renderMetrics } from "../telemetry/render.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { Front } from "../system/node/front.ts";
import { announcedAddresses, type NodeAddresses } from "./addresses.ts";
import { assembleNode } from "./assemble.ts";
import { Door } from "./door.ts";
import { LoadGate, startPulse } from "../http/load_gate.ts";
import { descriptorLimit, type Libc, openLibc, raiseDescriptorLimit } from "./libc.ts";
import { standbyDivert } from "./divert.ts";
import { haOf, joinByItself, standbySettings, takeForwarded } from "./high_availability.ts";
import { openListener, tlsPaths } from "./open_listener.ts";
import { type OpenedStorage, openStorage } from "./open_storage.ts";
import { openRecoverySession, type RecoverySession } from "./recovery_session.ts";
import { RunningListener } from "./running_listener.ts";
import { scheduleScrub } from "./scrubbing.ts";
import { Sweeper } from "./sweeper.ts";
import { measureMachine } from "./measure_machine.ts";
import { answerCounter, looksOf, measureLoad, measureNode, openTelemetry } from "./telemetry.ts";
import { LinuxSocketTable } from "./tcp_sockets.ts";
import { tlsFilesVersion } from "./tls_files.ts";
import { scheduleTrims } from "./trim_memory.ts";

/** Requests under way get so long to end when the server stops. */
const stopGraceMs = 20_000;

/** Of the descriptors that the process may have; the rest is for files and other nodes. */
const connectionShare = 0.8;

/** The configuration in force; a reload puts another one here. */
export interface LiveConfig {
  current: ServerConfig;
}

export interface Server {
  readonly node: Node;
  readonly storage: OpenedStorage;
  readonly addresses: NodeAddresses;
  readonly listeners: readonly RunningListener[];
  /** Lets requests end, seals, flushes and closes the storage. Never throws. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly logs?: LogControl;
  /** Only storage, seal and sys/raw. */
  readonly recovery?: boolean;
}

/** Opens storage and node; the node is sealed and does not listen. Throws what says why not. */
export async function startNode(
  live: LiveConfig,
  platform: Platform,
  onFatal: (error: Error) => void,
  telemetry?: Telemetry,
  recovery = false,
): Promise<{ node: Node; storage: OpenedStorage; addresses: NodeAddresses }> {
  const { settings, storage: stanza } = live.current;
  const addresses = announcedAddresses(live.current);
  const storage = await openStorage(stanza, platform, onFatal, recovery);
  const path = dataFolder(live) || undefined;
  const node = assembleNode(platform, {
    physical: storage.physical,
    storageType: storage.type,
    haEnabled: storage.haEnabled,
    clusterName: settings.cluster_name,
    addresses,
    ttls: {
      get defaultLeaseTtl() {
        return live.current.settings.default_lease_ttl;
      },
      get maxLeaseTtl() {
        return live.current.settings.max_lease_ttl;
      },
    },
    cacheEntries: settings.disable_cache ? 0 : settings.cache_size,
    lockout: (type) => {
      const lockout = lockoutFor(live.current, type);
      return {
        threshold: lockout.lockout_threshold,
        duration: lockout.lockout_duration,
        counterReset: lockout.lockout_counter_reset,
        disable: lockout.disable_lockout,
      };
    },
    raftIndexes: () => storage.raftIndexes(),
    rawStorageEndpoint: settings.raw_storage_endpoint,
    sanitizedConfig: () => shownConfig(live.current),
    auditRules: () => auditRules(live.current),
    ...(path === undefined ? {} : { dataPath: path }),
    ...(storage.integrated === undefined ? {} : { integrated: storage.integrated }),
    ...(recovery ? {} : haOf(live.current, storage, platform, addresses)),
    ...(telemetry === undefined ? {} : { telemetry }),
    standby: standbySettings(() => live.current),
  });
  if (telemetry !== undefined) measureNode(telemetry, node, storage);
  return { node, storage, addresses };
}

/** Where integrated storage lies; "" for any other. */
function dataFolder(live: LiveConfig): string {
  const { storage } = live.current;
  return storage?.type === "raft" ? storage.values.path ?? "" : "";
}

/**
 * Starts to listen on all listeners, or on none. `prepare` is done with the node before anybody can
 * reach it. Throws `ListenError` or `TlsFileError`.
 */
export async function startServer(
  live: LiveConfig,
  platform: Platform,
  onFatal: (error: Error) => void,
  prepare: (node: Node) => Promise<void>,
  { logs = noLogControl, recovery = false }: StartOptions = {},
): Promise<Server> {
  const telemetry = openTelemetry(() => live.current, platform, logs);
  const { node, storage, addresses } = await startNode(
    live,
    platform,
    onFatal,
    telemetry,
    recovery,
  );
  telemetry.registry.start();
  measureMachine(telemetry.registry, () => live.current);
  const pusher = await pusherOf(live.current, telemetry, platform);
  const endScrubs = recovery ? () => {} : scrubs(storage, platform, telemetry);
  const libc = openLibc();
  const endTrims = libc === undefined ? () => {} : scheduleTrims(platform.clock, libc);
  const load = new LoadGate();
  const endPulse = startPulse(load, platform.clock);
  const listeners: RunningListener[] = [];
  let session: RecoverySession | undefined;
  const stop = async () => {
    logs.endFollowers();
    telemetry.registry.stop();
    pusher?.stop();
    endScrubs();
    endTrims();
    endPulse();
    await Promise.all(listeners.map((listener) => listener.stop(stopGraceMs)));
    await session?.end();
    await quietly(platform, "sealing", () => node.seal());
    await quietly(platform, "closing the storage", () => storage.close());
  };
  try {
    await prepare(node);
    measureLoad(telemetry.registry, load);
    const names = {
      hostname: Deno.hostname(),
      raftNodeId: storage.nodeId,
      load,
      renderMetrics: (format: string, accept: string) => renderMetrics(telemetry, format, accept),
      looks: looksOf(node, telemetry),
      countAnswer: answerCounter(telemetry.registry),
      ...(pusher?.trace === undefined ? {} : { trace: pusher.trace }),
    };
    if (recovery) session = await openRecoverySession(node, dataFolder(live), platform);
    const front = session?.front ?? new Front(node);
    const divert = standbyDivert(node, platform.clock, platform.log);
    const sweeper = libc && openSweeper(libc, platform);
    for (const listener of live.current.listeners) {
      const door = new Door(front, platform, names, listener, live.current, divert);
      takeForwarded(node, door);
      listeners.push(await startListener(listener, door, platform, sweeper));
    }
    await joinByItself(live.current, node);
  } catch (error) {
    await stop();
    throw error;
  }
  return { node, storage, addresses, listeners, stop };
}

/** Loaded only where the configuration names somebody to send to. */
async function pusherOf(config: ServerConfig, telemetry: Telemetry, platform: Platform) {
  const { statsd_address, statsite_address, dogstatsd_addr, otlp_endpoint } =
    config.telemetry.values;
  const names = [statsd_address, statsite_address, dogstatsd_addr, otlp_endpoint];
  if (names.every((name) => name === "")) return undefined;
  return (await import("./push_telemetry.ts")).startPushing(config, telemetry, platform);
}

async function startListener(
  config: ListenerConfig,
  door: Door,
  platform: Platform,
  sweeper: Sweeper | undefined,
): Promise<RunningListener> {
  const paths = tlsPaths(config.values);
  const version = paths === undefined ? "" : await tlsFilesVersion(paths);
  const listener = await openListener(config, door, platform, sweeper);
  return new RunningListener(listener, door, config, version, platform.log);
}

/** Only integrated storage has checksums of its own to look at. */
function scrubs({ raft }: OpenedStorage, { clock, log }: Platform, { registry }: Telemetry) {
  if (raft === undefined) return () => {};
  return scheduleScrub({ storage: raft, clock, log: log.named("storage.scrub"), registry });
}

function openSweeper(libc: Libc, { clock, log }: Platform): Sweeper {
  raiseDescriptorLimit(libc);
  const capacity = Math.floor(descriptorLimit(libc).soft * connectionShare);
  return new Sweeper(new LinuxSocketTable(libc), capacity, clock, log.named("listener"));
}

function auditRules({ settings, audits }: ServerConfig): AuditRules {
  return {
    allowPrefix: settings.allow_audit_log_prefixing,
    allowApi: settings.unsafe_allow_api_audit_creation,
    declared: audits.map(({ type, path, values: { description, options, local } }) => ({
      type,
      path: `${path}/`,
      description,
      options,
      local,
    })),
  };
}

function shownConfig(config: ServerConfig) {
  const value = parseJson(JSON.stringify(sanitizedConfig(config)));
  return isJsonObject(value) ? value : {};
}

async function quietly({ log }: Platform, what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.error(`${what} failed`, { error: describeError(error) });
  }
}
