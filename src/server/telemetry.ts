/** Telemetry of the process: how it is shown, and what process, node and storage tell of it. */
import process from "node:process";
import type { ServerConfig } from "../config/server_types.ts";
import type { Platform } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import type { Assessment } from "../ha/autopilot.ts";
import type { LogControl } from "../telemetry/log_control.ts";
import type { Counter } from "../telemetry/counter.ts";
import type { LoadGate } from "../http/load_gate.ts";
import type { Looks } from "../http/look_access.ts";
import { takeProfile } from "../system/pprof.ts";
import { inFlightRequests } from "../system/telemetry.ts";
import { type Collector, Registry, type Report } from "../telemetry/registry.ts";
import { prefixFilter, type TelemetrySettings } from "../telemetry/settings.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { InspectorProfiler } from "./profiler.ts";
import type { OpenedStorage } from "./open_storage.ts";

/** Settings are read from `config` at each look. */
export function openTelemetry(
  config: () => ServerConfig,
  { clock, log }: Platform,
  logs: LogControl,
): Telemetry {
  const registry = new Registry({ clock, log: log.named("telemetry") });
  registry.collect(measureProcess());
  registry.collect(measureByCommonNames());
  let known: { readonly of: ServerConfig; readonly settings: TelemetrySettings } | undefined;
  return {
    registry,
    logs,
    profiler: new InspectorProfiler(clock),
    settings: () => {
      const current = config();
      if (known?.of !== current) known = { of: current, settings: settingsOf(current) };
      return known.settings;
    },
  };
}

function settingsOf({ telemetry: { values } }: ServerConfig): TelemetrySettings {
  const hostname = Deno.hostname();
  const inNames = !values.disable_hostname && !values.enable_hostname_label;
  return {
    prefix: values.metrics_prefix,
    hostInNames: inNames ? hostname : "",
    hostLabel: values.enable_hostname_label ? hostname : "",
    retentionMs: values.prometheus_retention_time * 1000,
    passes: prefixFilter(values.prefix_filter, values.filter_default),
    usage: {
      periodMs: values.usage_gauge_period * 1000,
      // As in Vault, 0 is as if nothing were said.
      maxCardinality: values.maximum_gauge_cardinality || 500,
      leases: {
        epsilonMs: values.lease_metrics_epsilon * 1000,
        count: values.num_lease_metrics_buckets,
        byNamespace: values.add_lease_metrics_namespace_labels,
      },
    },
  };
}

/**
 * Under the names that Prometheus's own libraries give them. What lies below /proc (open files, virtual
 * memory) is closed to the program that is shipped, which may not do everything.
 */
function measureByCommonNames(): Collector {
  const startTime = Date.now() / 1000 - process.uptime();
  return (report) => {
    const { user, system } = process.cpuUsage();
    report.counter("process_cpu_seconds_total", (user + system) / 1e6);
    report.gauge("process_resident_memory_bytes", Deno.memoryUsage().rss);
    report.gauge("process_start_time_seconds", startTime);
  };
}

function measureProcess(): Collector {
  return (report) => {
    const { rss, heapUsed, heapTotal, external } = Deno.memoryUsage();
    const { user, system } = process.cpuUsage();
    report.gauge("runtime.alloc_bytes", heapUsed);
    report.gauge("runtime.heap_bytes", heapTotal);
    report.gauge("runtime.external_bytes", external);
    report.gauge("runtime.sys_bytes", rss);
    report.counter("runtime.cpu_seconds", (user + system) / 1e6);
    report.gauge("runtime.uptime_seconds", process.uptime());
  };
}

/** Counts answers by their status: there are few, so each has a series of its own. */
export function answerCounter(registry: Registry): (status: number) => void {
  const counters = new Map<number, Counter>();
  for (const status of [200, 204, 400, 403, 404, 500, 503]) counters.set(status, of(status));
  function of(status: number): Counter {
    return registry.counter("http.responses", { code: String(status) });
  }
  return (status) => {
    let counter = counters.get(status);
    if (counter === undefined) counters.set(status, counter = of(status));
    counter.add();
  };
}

/** What was refused because too much was under way, and what is held of large bodies. */
export function measureLoad(registry: Registry, load: LoadGate): void {
  registry.collect((report) => {
    report.counter("http.overload.refused", load.refused);
    report.gauge("http.overload.places_ratio", load.share);
    report.gauge("http.overload.body_bytes", load.bodyBytes);
  });
}

/** Whether the node serves, and how its storage is. */
export function measureNode(telemetry: Telemetry, node: Node, storage: OpenedStorage): void {
  telemetry.registry.collect((report) => {
    const cluster = node.cluster?.name ?? "";
    report.gauge("core.unsealed", node.sealed ? 0 : 1, { cluster });
    report.gauge("core.active", !node.sealed && !node.standby ? 1 : 0, { cluster });
    report.gauge("core.performance_standby", 0, { cluster });
    if (node.sealed) return;
    const { term, encryptions } = node.barrier.activeKeyInfo();
    report.counter("barrier.estimated_encryptions", encryptions, { term: String(term) });
  });
  const { raft } = storage;
  if (raft === undefined) return;
  telemetry.registry.collect((report) => {
    const { ha } = node;
    if (ha === undefined) return;
    const { waitsFor } = ha.rotation;
    for (const { id } of raft.configuration().members) {
      const peer = { peer_id: id };
      report.gauge("ha.tls_rotation.waits_for", waitsFor.includes(id) ? 1 : 0, peer);
    }
    if (ha.isActive) reportAutopilot(ha.autopilot.assess(), report);
  });
  telemetry.registry.collect(async (report) => {
    const stats = await raft.stats();
    const { appliedIndex, commitIndex } = raft;
    report.gauge("raft_storage.stats.applied_index", appliedIndex);
    report.gauge("raft_storage.stats.commit_index", commitIndex);
    report.gauge("raft_storage.stats.fsm_pending", commitIndex - appliedIndex);
    report.gauge("raft.peers", raft.configuration().members.length);
    report.gauge("raft.term", raft.term);
    report.gauge("raft.is_leader", raft.group.isActive ? 1 : 0);
    const { transitions } = raft;
    report.counter("raft.state.leader", transitions.leader);
    report.counter("raft.state.candidate", transitions.candidate);
    report.counter("raft.state.follower", transitions.follower);
    report.counter("raft.transition.heartbeat_timeout", transitions.heartbeatTimeouts);
    report.counter("raft.transition.leader_lease_timeout", transitions.leaseTimeouts);
    report.counter("raft.apply", stats.applies);
    report.summary("raft.leader.dispatchLog", stats.dispatches);
    report.gauge("raft.leader.dispatchNumLogs", stats.lastDispatched);
    report.summary("raft.commitTime", { count: stats.commits, sum: stats.commitMs });
    report.gauge("raft_storage.live_entries", stats.liveEntries);
    report.gauge("raft_storage.live_bytes", stats.liveBytes);
    report.gauge("raft_storage.disk_bytes", stats.stateFileBytes + stats.logBytes);
    report.gauge("raft_storage.state_file_bytes", stats.stateFileBytes);
    report.gauge("raft_storage.log_bytes", stats.logBytes);
    report.gauge("raft_storage.log_entries", stats.logEntries);
    report.gauge("raft_storage.unflushed_bytes", stats.unflushedBytes);
    report.counter("raft_storage.flushes", stats.flushes);
    report.counter("raft_storage.rewrites", stats.rewrites);
    report.gauge("raft_storage.cache.bytes", stats.cacheBytes);
    report.counter("raft_storage.cache.hit", stats.cacheHits);
    report.counter("raft_storage.cache.miss", stats.cacheMisses);
  });
}

/** As autopilot sees the members, on the active node: nobody else hears of all of them. */
function reportAutopilot(
  { isHealthy, failureTolerance, members }: Assessment,
  report: Report,
): void {
  report.gauge("autopilot.healthy", isHealthy ? 1 : 0);
  report.gauge("autopilot.failure_tolerance", failureTolerance);
  for (const { id, isHealthy } of members) {
    report.gauge("autopilot.node.healthy", isHealthy ? 1 : 0, { node_id: id });
  }
}

/** What may be looked at without a token where a listener's stanzas say so. */
export function looksOf(node: Node, telemetry: Telemetry): Looks {
  return {
    profile: (name, seconds) =>
      takeProfile(telemetry, name, seconds === null ? undefined : Number(seconds)),
    // A sealed node refuses, and a standby that has not opened its services has none.
    requests: () => inFlightRequests(node.standby && node.reads?.services || node.services),
  };
}
