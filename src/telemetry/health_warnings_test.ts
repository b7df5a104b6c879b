import { assertEquals } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { ManualClock, settle } from "../core/testing/kit.ts";
import { HealthWarnings, healthWarnings } from "./health_warnings.ts";
import { type GaugeValue, Registry } from "./registry.ts";

const now = Date.UTC(2026, 0, 1);

function gauges(values: Readonly<Record<string, number>>): GaugeValue[] {
  return Object.entries(values).map(([name, value]) => ({ name, labels: {}, value }));
}

const well = {
  "audit.device.failing": 0,
  "audit.device.queued": 3,
  "audit.device.disk_used_ratio": 0.5,
  "storage.disk_free_bytes": 50,
  "storage.disk_size_bytes": 100,
  "raft_storage.scrub.last_damages": 0,
  "snapshot_auto.late": 0,
  "snapshot_auto.last_success_time_seconds": now / 1000 - 3600,
  "listener.certificate_expiry_time_seconds": now / 1000 + 90 * 86_400,
};

Deno.test("a node that is well, or tells nothing, has no warnings", () => {
  assertEquals(healthWarnings(gauges(well), now), []);
  assertEquals(healthWarnings([], now), []);
});

const ills: readonly [Readonly<Record<string, number>>, string][] = [
  [{ "audit.device.failing": 1 }, "an audit device fails; see sys/audit"],
  [{ "audit.device.queued": 5000 }, "an audit device is slow; see sys/audit"],
  [
    { "audit.device.disk_used_ratio": 0.91 },
    "the disk of an audit device is 91 % full; see sys/audit",
  ],
  [
    { "ha.tls_rotation.waits_for": 1 },
    "1 of the cluster's members is away and holds up the change of its TLS keys; see the log",
  ],
  [{ "storage.disk_free_bytes": 4 }, "the data disk is 96 % full"],
  [
    { "raft_storage.scrub.last_damages": 2 },
    "entries on the data disk are damaged; see the log",
  ],
  [
    { "snapshot_auto.late": 1, "snapshot_auto.last_success_time_seconds": now / 1000 - 90_000 },
    "the last good backup is 25 h old; see sys/storage/raft/snapshot-auto",
  ],
  [
    { "listener.certificate_expiry_time_seconds": now / 1000 + 3 * 86_400 },
    "a listener's certificate expires in 3 days",
  ],
  [
    { "listener.certificate_expiry_time_seconds": now / 1000 - 5 },
    "a listener's certificate has expired",
  ],
];

for (const [values, warning] of ills) {
  Deno.test(`warning: ${warning}`, () => {
    assertEquals(healthWarnings(gauges({ ...well, ...values }), now), [warning]);
  });
}

Deno.test("however often health is asked for, the gauges are looked at once in ten seconds", async () => {
  const clock = new ManualClock();
  const registry = new Registry({ clock, log: silentLogger });
  let looks = 0;
  registry.collect((report) => report.gauge("audit.device.failing", looks++));
  const warnings = new HealthWarnings(registry, silentLogger);
  for (let i = 0; i < 100; i++) assertEquals(warnings.current, []);
  await settle();
  assertEquals(looks, 1);
  await clock.advance(10_000);
  assertEquals(warnings.current, []);
  await settle();
  assertEquals(warnings.current, ["an audit device fails; see sys/audit"]);
  assertEquals(looks, 2);
});
