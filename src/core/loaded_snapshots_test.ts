import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { silentLogger } from "../base/log.ts";
import { type LoadedSnapshot, LoadedSnapshots } from "./loaded_snapshots.ts";
import { ManualClock } from "./testing/kit.ts";

function fake(id: string, expiresAt: number) {
  const closed = { times: 0 };
  const snapshot: LoadedSnapshot = {
    id,
    expiresAt,
    opened: undefined,
    close: () => Promise.resolve(void closed.times++),
  };
  return { snapshot, closed };
}

Deno.test("one snapshot at a time, and not for ever", async () => {
  const clock = new ManualClock();
  const all = new LoadedSnapshots(clock, silentLogger);
  const { snapshot, closed } = fake("s1", clock.now() + 1000);
  const slow = Promise.withResolvers<LoadedSnapshot>();
  const loading = all.load(() => slow.promise);
  await assertRejects(() => all.load(() => Promise.resolve(snapshot)), Failure, "being loaded");
  slow.resolve(snapshot);
  assertEquals(await loading, snapshot);
  await assertRejects(() => all.load(() => Promise.resolve(snapshot)), Failure, "s1");
  assertThrows(() => all.opened("s1"), Failure, "unseal keys");
  assertThrows(() => all.opened("s2"), Failure, "no snapshot");
  await clock.advance(999);
  assert(all.find("s1") !== undefined);
  await clock.advance(1);
  assertEquals([all.find("s1"), closed.times], [undefined, 1]);
  // The timer of one that was unloaded is not that of the next.
  const next = fake("s2", clock.now() + 1000);
  await all.load(() => Promise.resolve(next.snapshot));
  await all.unload("s2");
  const third = fake("s2", clock.now() + 5000);
  await all.load(() => Promise.resolve(third.snapshot));
  await clock.advance(1000);
  assertEquals([next.closed.times, third.closed.times], [1, 0]);
});

Deno.test("what fails to load leaves room, and what comes after the end is let go of", async () => {
  const clock = new ManualClock();
  const all = new LoadedSnapshots(clock, silentLogger);
  await assertRejects(() => all.load(() => Promise.reject(new Error("damaged"))), Error, "damaged");
  const slow = Promise.withResolvers<LoadedSnapshot>();
  const loading = all.load(() => slow.promise);
  await all.close();
  const { snapshot, closed } = fake("s1", clock.now() + 1000);
  slow.resolve(snapshot);
  await assertRejects(() => loading, Failure, "stopped to serve");
  assertEquals([all.find("s1"), closed.times], [undefined, 1]);
});
