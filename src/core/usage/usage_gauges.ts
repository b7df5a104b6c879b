/**
 * The gauges that count what is stored: tokens, secrets, leases, identities. They are counted once in
 * `usage_gauge_period` by walks in the background, by the active node; a scrape shows the last count.
 */
import type { Cancel } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import { decodeEntity } from "../../identity/entities.ts";
import { prefixes as identityPrefixes } from "../../identity/keys.ts";
import { expiryOfKey, leasesByTime } from "../../lease/store.ts";
import { rootNamespace } from "../../logical/namespace.ts";
import type { Labels } from "../../telemetry/labels.ts";
import type { Report } from "../../telemetry/registry.ts";
import { ttlLabel } from "../../telemetry/request_metrics.ts";
import { tokenEntries } from "../../token/store.ts";
import { decodeTokenEntry } from "../../token/stored_entry.ts";
import { readClusterIdentity } from "../cluster_identity.ts";
import { routePath, storagePrefix } from "../mount_entry.ts";
import type { Services } from "../services.ts";
import { expiryBucket } from "./expiry_buckets.ts";
import { Tally } from "./tally.ts";
import { Walk, WalkStopped } from "./walk.ts";

/** After the node became active; it has other things to do before. */
const firstMs = 10_000;

const namespace = rootNamespace.id;

/** Gauges by name, as one of the counts made them. */
type Counted = ReadonlyMap<string, Tally>;
type Count = (services: Services, walk: Walk) => Promise<Counted>;

/** By the name under which `metrics.collection` times it. */
const counts: Readonly<Record<string, Count>> = {
  tokens: countTokens,
  leases_by_expiration: countExpiry,
  kv_secrets_by_mountpoint: countSecrets,
  identity: countIdentity,
};

export class UsageGauges {
  readonly #services: Services;
  readonly #walk: Walk;
  readonly #shown = new Map<string, Counted>();
  #cancel: Cancel = () => {};
  #stopped = false;
  #isRunning = false;
  #cluster = "";

  constructor(services: Services) {
    this.#services = services;
    this.#walk = new Walk(services.transactions.storage, services.tokens.clock);
  }

  start(): void {
    const { periodMs } = this.#settings;
    if (periodMs > 0) this.#later(Math.min(firstMs, periodMs));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#walk.stop();
  }

  report(report: Report): void {
    const { periodMs, maxCardinality } = this.#settings;
    if (periodMs === 0) return;
    // They were turned off, and a reload has turned them on.
    if (!this.#isRunning) this.start();
    const cluster = this.#cluster;
    for (const counted of this.#shown.values()) {
      for (const [name, tally] of counted) {
        for (const { labels, count } of tally.top(maxCardinality)) {
          report.gauge(name, count, { cluster, ...labels });
        }
      }
    }
  }

  get #settings() {
    return this.#services.telemetry.settings().usage;
  }

  /** Not at all where the delay is 0. */
  #later(delayMs: number): void {
    this.#isRunning = delayMs > 0;
    if (this.#stopped || delayMs === 0) return;
    this.#cancel = this.#services.tokens.clock.after(delayMs, () => {
      this.#collect().finally(() => this.#later(this.#settings.periodMs));
    });
  }

  async #collect(): Promise<void> {
    if (this.#settings.periodMs === 0) return this.#shown.clear();
    const { registry } = this.#services.telemetry;
    await this.#findCluster();
    for (const [gauge, count] of Object.entries(counts)) {
      const start = registry.clock.monotonic();
      try {
        this.#shown.set(gauge, await count(this.#services, this.#walk));
      } catch (error) {
        if (this.#stopped || error instanceof WalkStopped) return;
        registry.counter("metrics.collection.error", { gauge }).add();
        const { log } = this.#services.mounts.platform;
        log.warn("counting what is stored failed", { gauge, error: describeError(error) });
      }
      const took = registry.clock.monotonic() - start;
      registry.summary("metrics.collection", { gauge }).observe(took);
    }
  }

  /** It is made at the first start, by the node, once these services are open. */
  async #findCluster(): Promise<void> {
    const { transactions, tokens: { random } } = this.#services;
    if (this.#cluster === "") {
      this.#cluster = (await readClusterIdentity(transactions, random, "")).name;
    }
  }
}

async function countTokens({ mounts, tokens }: Services, walk: Walk): Promise<Counted> {
  const [all, byAuth, byPolicy, byTtl] = [new Tally(), new Tally(), new Tally(), new Tally()];
  all.add({ namespace }, 0);
  const now = tokens.clock.now();
  await walk.entries(tokenEntries, ({ value }) => {
    const token = decodeTokenEntry(value);
    if (token.expireTime > 0 && token.expireTime <= now) return;
    all.add({ namespace });
    const method = mounts.router.at(token.authMount)?.entry.type ?? "token";
    byAuth.add({ namespace, auth_method: method });
    byTtl.add({ namespace, creation_ttl: ttlLabel(token.ttl) });
    for (const policy of token.policies) byPolicy.add({ namespace, policy });
  });
  return new Map([
    ["token.count", all],
    ["token.count.by_auth", byAuth],
    ["token.count.by_policy", byPolicy],
    ["token.count.by_ttl", byTtl],
  ]);
}

async function countExpiry({ telemetry, tokens }: Services, walk: Walk): Promise<Counted> {
  const { leases } = telemetry.settings().usage;
  const now = tokens.clock.now();
  const tally = new Tally();
  await walk.entries(leasesByTime, ({ key }) => {
    const expiring = expiryBucket(expiryOfKey(key), now, leases);
    if (expiring === undefined) return;
    tally.add(leases.byNamespace ? { expiring, namespace } : { expiring });
  }, { keysOnly: true });
  return new Map([["expire.leases.by_expiration", tally]]);
}

async function countSecrets({ mounts }: Services, walk: Walk): Promise<Counted> {
  const tally = new Tally();
  for (const { entry, backend } of mounts.router.all()) {
    const folder = backend.secretNames?.(entry.options);
    if (folder === undefined || entry.tainted) continue;
    const labels = { namespace, mount_point: routePath(entry) };
    tally.add(labels, await walk.count(storagePrefix(entry) + folder));
  }
  return new Map([["secret.kv.count", tally]]);
}

async function countIdentity({ mounts }: Services, walk: Walk): Promise<Counted> {
  const [entities, aliases, groups, total] = [new Tally(), new Tally(), new Tally(), new Tally()];
  const ofAccessor = new Map<string, Labels>();
  for (const { entry } of mounts.router.all()) {
    const labels = { namespace, auth_method: entry.type, mount_point: routePath(entry) };
    ofAccessor.set(entry.accessor, labels);
  }
  entities.add({ namespace }, 0);
  total.add({}, 0);
  await walk.entries(identityPrefixes.entity, ({ value }) => {
    entities.add({ namespace });
    total.add({});
    for (const { mountAccessor } of decodeEntity(value).aliases) {
      const labels = ofAccessor.get(mountAccessor);
      if (labels !== undefined) aliases.add(labels);
    }
  });
  groups.add({ namespace }, await walk.count(identityPrefixes.group));
  return new Map([
    ["identity.entity.count", entities],
    ["identity.num_entities", total],
    ["identity.entity.alias.count", aliases],
    ["identity.group.count", groups],
  ]);
}
