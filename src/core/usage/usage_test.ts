import { assert, assertEquals, assertRejects } from "@std/assert";
import { utf8 } from "../../base/bytes.ts";
import { backendFactory } from "../../server/backends.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import type { Collected } from "../../telemetry/registry.ts";
import { plainSettings, type UsageSettings } from "../../telemetry/settings.ts";
import { plainTelemetry } from "../../telemetry/telemetry.ts";
import { ManualClock, NodeKit, settle } from "../testing/kit.ts";
import { expiryBucket } from "./expiry_buckets.ts";
import { Tally } from "./tally.ts";
import { Walk, WalkStopped } from "./walk.ts";

async function node(usage: Partial<UsageSettings> = {}): Promise<NodeKit> {
  const kit = new NodeKit({
    backends: (services, node) => backendFactory(node)(services),
    telemetry: (clock) => ({
      ...plainTelemetry(clock),
      settings: () => ({
        ...plainSettings,
        usage: { ...plainSettings.usage, periodMs: 600_000, ...usage },
      }),
    }),
  });
  return await kit.start();
}

/** Values of a gauge by its labels, the cluster left out. */
function gauge({ gauges }: Collected, name: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { name: of, labels: { cluster, ...labels }, value } of gauges) {
    if (of !== name) continue;
    assertEquals(cluster, "test");
    found[Object.values(labels).join(" ")] = value;
  }
  return found;
}

const look = (kit: NodeKit) => kit.node.services.telemetry.registry.look();

Deno.test("tokens, secrets and identities are counted once in a period", async () => {
  const kit = await node();
  await kit.ask("update", "sys/mounts/one", { data: { type: "kv" } });
  await kit.ask("update", "sys/mounts/two", { data: { type: "kv", options: { version: "2" } } });
  for (const path of ["a", "b/c", "b/d/e"]) {
    await kit.ask("update", `one/${path}`, { data: { x: "y" } });
    await kit.ask("update", `two/data/${path}`, { data: { data: { x: "y" } } });
  }
  await kit.ask("update", "two/data/a", { data: { data: { x: "a second version" } } });
  await kit.ask("update", "auth/token/create", { data: { policies: ["p"], ttl: "1h" } });
  await kit.ask("update", "identity/entity", { data: { name: "ann" } });
  await kit.ask("update", "identity/group", { data: { name: "g" } });
  assertEquals(gauge(await look(kit), "token.count"), {});
  await kit.clock.advance(20_000);
  const seen = await look(kit);
  assertEquals(gauge(seen, "token.count"), { root: 2 });
  assertEquals(gauge(seen, "token.count.by_auth"), { "root token": 2 });
  assertEquals(gauge(seen, "token.count.by_policy"), {
    "root root": 1,
    "root default": 1,
    "root p": 1,
  });
  assertEquals(gauge(seen, "token.count.by_ttl"), { "root +Inf": 1, "root 1h": 1 });
  assertEquals(gauge(seen, "secret.kv.count"), { "root one/": 3, "root two/": 3 });
  assertEquals(gauge(seen, "identity.entity.count"), { root: 1 });
  assertEquals(gauge(seen, "identity.group.count"), { root: 1 });
  assertEquals(gauge(seen, "expire.leases.by_expiration"), {
    "2026-01-01 01:00:00 +0000 UTC": 1,
  });
  await kit.ask("update", "one/f", { data: { x: "y" } });
  assertEquals(gauge(await look(kit), "secret.kv.count")["root one/"], 3);
  await kit.clock.advance(3_601_000);
  assertEquals(gauge(await look(kit), "secret.kv.count")["root one/"], 4);
  assertEquals(gauge(await look(kit), "token.count"), { root: 1 }, "one has ended");
});

Deno.test("a gauge shows its largest label sets only, and none where it is turned off", async () => {
  const kit = await node({ maxCardinality: 1 });
  for (let i = 0; i < 3; i++) {
    await kit.ask("update", "auth/token/create", { data: { policies: ["p"], ttl: "1h" } });
  }
  await kit.clock.advance(20_000);
  assertEquals(Object.keys(gauge(await look(kit), "token.count.by_ttl")), ["root 1h"]);
  const usage = { periodMs: 0 };
  const off = await node(usage);
  await off.clock.advance(3_600_000);
  assertEquals(gauge(await look(off), "token.count"), {});
  usage.periodMs = 600_000;
  await look(off);
  await off.clock.advance(20_000);
  assertEquals(gauge(await look(off), "token.count"), { root: 1 });
});

Deno.test("a walk reads pages, rests in between, and ends when it is stopped", async () => {
  const storage = new InmemStorage();
  const keys = Array.from({ length: 1000 }, (_, i) => `a/${i % 7}/${i}`);
  await storage.write(keys.map((key) => ({ key, value: utf8("x") })));
  const limits: number[] = [];
  const watched = {
    list: (prefix: string, options = {}) => storage.list(prefix, options),
    scan: (...args: Parameters<InmemStorage["scan"]>) => {
      limits.push(args[1].limit);
      return storage.scan(...args);
    },
  };
  const clock = new ManualClock();
  const walk = new Walk(watched, clock);
  let seen = 0;
  const entries = walk.entries("a/", () => seen++);
  await settle();
  assertEquals(seen, 200);
  await clock.advance(1000);
  await entries;
  assertEquals(seen, 1000);
  assert(limits.every((limit) => limit <= 200));
  const counted = walk.count("a/");
  await settle();
  await clock.advance(10_000);
  assertEquals(await counted, 1000);
  const broken = walk.entries("a/", () => {});
  await settle();
  walk.stop();
  await assertRejects(() => broken, WalkStopped);
});

Deno.test("leases that end after the last bucket, or never, are in none", () => {
  const buckets = { epsilonMs: 3_600_000, count: 2, byNamespace: false };
  const now = Date.UTC(2026, 0, 1);
  assertEquals(expiryBucket(0, now, buckets), undefined);
  assertEquals(expiryBucket(now + 1, now, buckets), "2026-01-01 00:00:00 +0000 UTC");
  assertEquals(expiryBucket(now + 5_500_000, now, buckets), "2026-01-01 02:00:00 +0000 UTC");
  assertEquals(expiryBucket(now + 7_300_000, now, buckets), undefined);
});

Deno.test("a tally keeps the largest", () => {
  const tally = new Tally();
  tally.add({ a: "1" });
  tally.add({ a: "2" }, 5);
  tally.add({ a: "1" });
  assertEquals(tally.top(1), [{ labels: { a: "2" }, count: 5 }]);
  assertEquals(tally.top(9).length, 2);
});
