/** The daily look over the storage, on a clock that the test moves. */
import { assertEquals } from "@std/assert";
import type { LogFields } from "../base/log.ts";
import { silentLogger } from "../base/log.ts";
import { ManualClock } from "../core/testing/kit.ts";
import { CorruptionError } from "../storage/storage.ts";
import { Registry } from "../telemetry/registry.ts";
import { scheduleScrub } from "./scrubbing.ts";

const hour = 3_600_000;

Deno.test("the storage is looked over every day, and damage is named", async () => {
  const clock = new ManualClock();
  const registry = new Registry({ clock, log: silentLogger });
  const told: LogFields[] = [];
  let looks = 0;
  const stop = scheduleScrub({
    clock,
    registry,
    log: { ...silentLogger, error: (_message, fields) => told.push(fields ?? {}) },
    storage: {
      onDamage: () => () => {},
      scrub: ({ onDamage, pauseMs } = {}) => {
        looks++;
        assertEquals(pauseMs, 50);
        const damages = looks < 3 ? [] : [new CorruptionError("the value of core/a is damaged")];
        for (const damage of damages) onDamage?.(damage);
        if (looks === 2) return Promise.reject(new Error("once it fails"));
        return Promise.resolve({ entries: 1, logEntries: 1, damages, isComplete: true });
      },
    },
  });
  await clock.advance(hour - 1);
  assertEquals(looks, 0);
  await clock.advance(1);
  assertEquals(looks, 1);
  await clock.advance(24 * hour);
  assertEquals([looks, told], [2, []]);
  await clock.advance(24 * hour);
  assertEquals(told, [{ damage: "the value of core/a is damaged" }]);
  const { gauges, counters } = await registry.look();
  assertEquals(counters.map(({ value }) => value.total), [1]);
  assertEquals(gauges.map(({ value }) => value), [1, (clock.now()) / 1000]);
  stop();
  await clock.advance(48 * hour);
  assertEquals(looks, 3);
});

Deno.test("damage that is met before is told at once, until a look over all says what there is", async () => {
  const clock = new ManualClock();
  const registry = new Registry({ clock, log: silentLogger });
  let meet = (_error: CorruptionError) => {};
  const stop = scheduleScrub({
    clock,
    registry,
    log: silentLogger,
    storage: {
      onDamage: (listener) => {
        meet = listener;
        return () => {};
      },
      scrub: () => Promise.resolve({ entries: 1, logEntries: 1, damages: [], isComplete: true }),
    },
  });
  const damages = async () => {
    const { gauges } = await registry.look();
    return gauges.find(({ name }) => name === "raft_storage.scrub.last_damages")?.value;
  };
  assertEquals(await damages(), undefined);
  meet(new CorruptionError("log entry 7 is damaged"));
  assertEquals(await damages(), 1);
  await clock.advance(hour);
  assertEquals(await damages(), 0);
  stop();
});
