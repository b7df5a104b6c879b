/** What is promised of measurements: exact counts, quantiles within 3 %, and forms that parse. */
import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { isJsonObject } from "../logical/json.ts";
import { metricsJson } from "./json_form.ts";
import { MeasuredStorage } from "./measured_storage.ts";
import { prometheusText } from "./prometheus.ts";
import { Registry } from "./registry.ts";
import { renderMetrics } from "./render.ts";
import { ttlLabel } from "./request_metrics.ts";
import { plainSettings, prefixFilter } from "./settings.ts";
import { plainTelemetry } from "./telemetry.ts";
import { InmemStorage } from "../storage/inmem.ts";

/** A clock that a test moves. */
function manualClock() {
  let at = 1_000_000;
  return {
    now: () => at,
    monotonic: () => at,
    after: () => () => {},
    move: (ms: number) => at += ms,
  };
}

/** Mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function registry(clock = manualClock(), maxSeries?: number) {
  const log = silentLogger;
  return new Registry({ clock, log, ...(maxSeries === undefined ? {} : { maxSeries }) });
}

Deno.test("quantiles are within 3 % of the truth, whatever the values", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const summary = registry().summary("x");
    const values = Array.from({ length: 2000 }, () => 10 ** (random() * 8 - 3));
    for (const value of values) summary.observe(value);
    values.sort((a, b) => a - b);
    const shares = [0.5, 0.9, 0.99];
    summary.quantiles(shares).forEach((found, i) => {
      const truth = values[Math.ceil((shares[i] ?? 0) * values.length) - 1] ?? NaN;
      assert(Math.abs(found / truth - 1) < 0.03, `seed ${seed}: ${found} for ${truth}`);
    });
    assertEquals(summary.count, 2000);
  }
});

Deno.test("quantiles forget what is older than a minute, counts never", () => {
  const measured = registry();
  const summary = measured.summary("x");
  summary.observe(1000);
  for (let i = 0; i < 3; i++) measured.turn();
  summary.observe(1);
  assert((summary.quantiles([0.99])[0] ?? 0) > 900);
  for (let i = 0; i < 3; i++) measured.turn();
  const [recent = NaN] = summary.quantiles([0.99]);
  assert(Math.abs(recent - 1) < 0.03, String(recent));
  for (let i = 0; i < 3; i++) measured.turn();
  assert(Number.isNaN(summary.quantiles([0.5])[0]));
  assertEquals([summary.count, summary.sum], [2, 1001]);
});

Deno.test("labels in any order are one series", () => {
  const measured = registry();
  measured.counter("a", { x: "1", y: "2" }).add();
  measured.counter("a", { y: "2", x: "1" }).add(2);
  assertEquals(measured.counter("a", { x: "1", y: "2" }).total, 3);
});

Deno.test("names without end do not fill the memory", async () => {
  const measured = registry(manualClock(), 100);
  for (let i = 0; i < 5000; i++) measured.counter(`a${i}`).add();
  assertEquals((await measured.look()).counters.length, 100);
});

Deno.test("the Prometheus form", async () => {
  const clock = manualClock();
  const measured = registry(clock);
  measured.counter("token.creation", { mount_point: 'a"\\\n/' }).add(2);
  measured.summary("route.read.sys-").observe(2);
  measured.collect((report) => {
    report.gauge("core.unsealed", 1, { cluster: "c" });
    report.gauge("absent", undefined);
    report.summary("raft.commitTime", { count: 3, sum: 1.5 });
  });
  measured.collect(() => {
    throw new Error("this part is broken, the rest is told");
  });
  const settings = { ...plainSettings, hostInNames: "web-1" };
  const text = prometheusText(await measured.look(), settings);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const [quantile] = measured.summary("route.read.sys-").quantiles([0.5]);
  assertEquals(lines, [
    "vault_raft_commitTime_sum 1.5",
    "vault_raft_commitTime_count 3",
    ...[0.5, 0.9, 0.99].map((q) => `vault_route_read_sys_{quantile="${q}"} ${quantile}`),
    "vault_route_read_sys__sum 2",
    "vault_route_read_sys__count 1",
    'vault_token_creation{mount_point="a\\"\\\\\\n/"} 2',
    'vault_web_1_core_unsealed{cluster="c"} 1',
  ]);
  assert(text.includes("# TYPE vault_route_read_sys_ summary\n"));
  clock.move(10 * plainSettings.retentionMs);
  for (let i = 0; i < 10; i++) measured.turn();
  const later = prometheusText(await measured.look(), settings);
  assert(later.includes("token_creation"), "a series stays while the process lives");
});

Deno.test("the JSON form tells of the last whole interval", async () => {
  const measured = registry();
  measured.counter("c").add();
  measured.summary("s").observe(2);
  measured.summary("s").observe(4);
  measured.turn();
  measured.summary("s").observe(1000);
  const { Counters, Samples, Points, Timestamp } = metricsJson(
    await measured.look(),
    plainSettings,
  );
  assertEquals([Points, Timestamp], [[], "1970-01-01 00:16:40 +0000 UTC"]);
  const [counter, sample] = [Counters, Samples].map((all) => Array.isArray(all) ? all[0] : 0);
  assertEquals(counter, {
    Name: "vault.c",
    Count: 1,
    Rate: 0.1,
    Sum: 1,
    Min: 1,
    Max: 1,
    Mean: 1,
    Stddev: 0,
    Labels: {},
  });
  assert(isJsonObject(sample));
  assertEquals([sample.Count, sample.Sum, sample.Min, sample.Max, sample.Mean], [2, 6, 2, 4, 3]);
});

Deno.test("which form is answered", async () => {
  const telemetry = plainTelemetry(manualClock());
  const answer = async (format: string, accept: string) => {
    const { raw } = await renderMetrics(telemetry, format, accept);
    return [raw?.status, raw?.contentType.slice(0, 16)];
  };
  assertEquals(await answer("", "*/*"), [200, "application/json"]);
  assertEquals(await answer("prometheus", ""), [200, "text/plain; vers"]);
  assertEquals(await answer("", "prometheus/telemetry"), [200, "text/plain; vers"]);
  assertEquals(await answer("", "application/openmetrics-text;version=1.0.0"), [
    200,
    "text/plain; vers",
  ]);
  assertEquals(await answer("xml", ""), [400, "text/plain"]);
  const off = { ...telemetry, settings: () => ({ ...plainSettings, retentionMs: 0 }) };
  assertEquals((await renderMetrics(off, "prometheus", "")).raw?.body, "prometheus is not enabled");
});

Deno.test("the longest prefix decides what is shown, and blocking wins a tie", () => {
  const passes = prefixFilter(["+vault.token", "-vault.expire", "+vault.expire.num_leases"], false);
  assertEquals(
    ["vault.token.x", "vault.expire.y", "vault.expire.num_leases", "other"].map(passes),
    [true, false, true, false],
  );
  assertEquals(prefixFilter(["+a", "-a"], true)("a"), false);
});

Deno.test("lifetimes as labels", () => {
  assertEquals([1, 60, 61, 86_400, 2_764_800, 0].map(ttlLabel), [
    "1m",
    "1m",
    "10m",
    "1d",
    "+Inf",
    "+Inf",
  ]);
});

Deno.test("every call of a measured storage is counted", async () => {
  const measured = registry();
  const storage = new MeasuredStorage(new InmemStorage(), measured, "barrier");
  await storage.write([{ key: "a", value: new Uint8Array(1) }, { key: "b", value: null }]);
  for (let i = 0; i < 20; i++) await storage.get("a");
  await storage.list("");
  const counts = ["get", "list", "put", "delete"].map((n) =>
    measured.summary(`barrier.${n}`).count
  );
  assertEquals(counts, [20, 1, 1, 1]);
});
