/** What the services of an unsealed node tell the telemetry of themselves. */
import { utf8 } from "../base/bytes.ts";
import type { Entity } from "../identity/types.ts";
import { rootNamespace } from "../logical/namespace.ts";
import type { Report } from "../telemetry/registry.ts";
import type { TokenEntry } from "../token/entry.ts";
import { type MountEntry, routePath } from "./mount_entry.ts";
import type { Services } from "./services.ts";
import { UsageGauges } from "./usage/usage_gauges.ts";

/** Leases that can't be revoked are counted in pages; more than this are shown as this many. */
const irrevocablePage = 500;
const irrevocablePages = 20;
/** More locked names, or secrets that wait for their end, are shown as this many. */
const shownMax = 10_000;
/** Targets whose queues are shown. */
const shownQueues = 100;

const collectors = new WeakMap<Services, () => void>();

/** From now on until `stopMeasuring`. A standby counts nothing that is stored: the active node does. */
export function measureServices(services: Services, { isStandby = false } = {}): void {
  const { quotas, telemetry: { registry } } = services;
  quotas.onViolation = (kind, name) => registry.counter(`quota.${kind}.violation`, { name }).add();
  const collect = async (report: Report) => {
    reportServices(services, report);
    await reportAudit(services, report);
    if (!isStandby) await reportLeases(services, report);
  };
  const uncollect = registry.collect(collect);
  if (isStandby) return void collectors.set(services, uncollect);
  services.identity.entities.onCreated = (entity) => countEntity(services, entity);
  const usage = new UsageGauges(services);
  const uncollectUsage = registry.collect((report) => usage.report(report));
  usage.start();
  collectors.set(services, () => {
    usage.stop();
    uncollectUsage();
    uncollect();
  });
}

export function stopMeasuring(services: Services): void {
  collectors.get(services)?.();
  collectors.delete(services);
}

/** Counts a token that is there for good, and the client that it was made for. */
export function countToken({ mounts, metrics, activity }: Services, entry: TokenEntry): void {
  activity.noteNew(entry);
  const mount = mounts.router.at(entry.authMount);
  metrics.tokenCreated({
    authMethod: mount?.entry.type ?? "token",
    mountPoint: entry.authMount,
    ttl: entry.ttl,
    type: entry.type,
  });
}

/** By the mount of its first alias; none for one that was made by hand. */
function countEntity({ mounts, telemetry: { registry } }: Services, { aliases }: Entity): void {
  const accessor = aliases[0]?.mountAccessor;
  const mount = mounts.list("auth").find((entry) => entry.accessor === accessor);
  registry.counter("identity.entity.creation", {
    auth_method: mount?.type ?? "",
    mount_point: mount === undefined ? "" : routePath(mount),
    namespace: rootNamespace.id,
  }).add();
}

function reportServices(services: Services, report: Report): void {
  const { cache, inFlight } = services;
  report.gauge("core.in_flight_requests", inFlight.size);
  report.counter("cache.hit", cache.hits);
  report.counter("cache.miss", cache.misses);
  report.counter("cache.write", cache.writes);
  report.counter("cache.delete", cache.deletions);
  reportMounts(services, report);
}

async function reportLeases(services: Services, report: Report): Promise<void> {
  const { quotas, lockouts, transactions, activity } = services;
  const { entity, nonEntity } = activity.present;
  report.gauge("identity.entity.active.partial_month", entity);
  report.gauge("identity.nonentity.active.partial_month", nonEntity);
  const locked = await transactions.run((t) => lockouts.count(t, shownMax));
  report.gauge("core.locked_users", locked);
  await reportEnding(services, report);
  report.gauge("expire.num_leases", quotas.counter.count(""));
  report.gauge("expire.num_irrevocable_leases", await countIrrevocable(services));
  for (const { name, path, maxLeases } of quotas.leaseCounts.values()) {
    const count = quotas.counter.count(path.replace(/\*$/, ""));
    report.gauge("quota.lease_count.counter", count, { name });
    report.gauge("quota.lease_count.max", maxLeases, { name });
  }
}

/** What has come due and has not ended: tokens in one queue, secrets in one for each target. */
async function reportEnding(
  { expiration, leases, transactions }: Services,
  report: Report,
): Promise<void> {
  const queues = new Map([["tokens", expiration.found]]);
  await transactions.run(async (transaction) => {
    let left = shownMax;
    for (const target of (await leases.endingTargets(transaction)).slice(0, shownQueues)) {
      const count = await leases.endingCount(transaction, target, left);
      queues.set(target, count);
      left -= count;
    }
  });
  const name = "expire.job_manager.queue_length";
  for (const [queue_id, length] of queues) report.gauge(name, length, { queue_id });
  const total = [...queues.values()].reduce((sum, length) => sum + length, 0);
  report.gauge("expire.job_manager.total_jobs", total);
}

async function reportAudit({ audit }: Services, report: Report): Promise<void> {
  for (const [path, { queued, usedShare, error }] of await audit.broker.states()) {
    report.gauge("audit.device.queued", queued, { device: path });
    report.gauge("audit.device.failing", error === undefined ? 0 : 1, { device: path });
    report.gauge("audit.device.disk_used_ratio", usedShare, { device: path });
  }
}

async function countIrrevocable({ transactions, leases }: Services): Promise<number> {
  return await transactions.run(async (transaction) => {
    let count = 0;
    let after: string | undefined;
    for (let pages = 0; pages < irrevocablePages; pages++) {
      const page = await leases.failing(transaction, after, irrevocablePage);
      count += page.length;
      if (page.length < irrevocablePage) return count;
      after = page.at(-1)?.id;
    }
    return count;
  });
}

function reportMounts({ mounts }: Services, report: Report): void {
  for (const [table, type] of [["auth", "auth"], ["mounts", "logical"]] as const) {
    const entries = mounts.list(table);
    for (const local of [false, true]) {
      const those = entries.filter((entry) => entry.local === local);
      const labels = { type, local: String(local) };
      report.gauge("core.mount_table.num_entries", those.length, labels);
      const bytes = those.reduce((sum, entry) => sum + entrySize(entry), 0);
      report.gauge("core.mount_table.size", bytes, labels);
    }
  }
}

/** Entries are replaced when they change, so each is measured once. */
const entrySizes = new WeakMap<MountEntry, number>();

function entrySize(entry: MountEntry): number {
  let size = entrySizes.get(entry);
  if (size === undefined) entrySizes.set(entry, size = utf8(JSON.stringify(entry)).length);
  return size;
}
