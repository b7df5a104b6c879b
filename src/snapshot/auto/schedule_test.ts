import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ManualClock, settle } from "../../core/testing/kit.ts";
import { silentLogger } from "../../base/log.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import type { Entry } from "../../storage/storage.ts";
import { Transactions } from "../../storage/transaction.ts";
import { asynchronous, testMeta } from "../testing.ts";
import { writeSnapshot } from "../write.ts";
import { backupWarning } from "./age.ts";
import { beganAt, snapshotName, surplus } from "./file_name.ts";
import type { SnapshotSource } from "./run.ts";
import { retryDelayMs, SnapshotSchedule } from "./schedule.ts";
import type { LocalSettings } from "./settings.ts";
import { deleteSettings, freshState, readState, saveSettings, saveState } from "./store.ts";
import type { SnapshotTarget } from "./target.ts";

const settings: LocalSettings = {
  storage_type: "local",
  interval: 3600,
  retain: 2,
  path_prefix: "/nowhere",
  file_prefix: "p",
  local_max_space: 1,
};

/** Keeps files in memory, and can be told to fail or to damage what it keeps. */
class MemoryTarget implements SnapshotTarget {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  failing = false;
  damaging = false;
  holdingReads = false;
  hold: Promise<void> | undefined;

  url = (name: string) => `memory:${name}`;
  list() {
    const all = [...this.files].map(([name, file]) => ({ name, bytes: file.length }));
    return Promise.resolve(all);
  }
  async put(name: string, { path }: { readonly path: string }, signal: AbortSignal) {
    if (this.failing) throw new Error("no route to memory");
    if (this.hold !== undefined) {
      // Of what was aborted before, no event comes any more.
      signal.throwIfAborted();
      const aborted = new Promise<void>((resolve) => signal.onabort = () => resolve());
      await Promise.race([this.hold, aborted]);
      signal.throwIfAborted();
    }
    const file = await Deno.readFile(path);
    if (this.damaging) file[file.length >> 1] = (file[file.length >> 1] ?? 0) ^ 1;
    this.files.set(name, file);
  }
  read(name: string, signal: AbortSignal) {
    if (this.holdingReads) {
      signal.throwIfAborted();
      return new Promise<never>((_, reject) => signal.onabort = () => reject(signal.reason));
    }
    return Promise.resolve(ReadableStream.from([this.files.get(name) ?? new Uint8Array()]));
  }
  remove(name: string, signal: AbortSignal) {
    signal.throwIfAborted();
    this.files.delete(name);
    return Promise.resolve();
  }
}

const content: readonly Entry[] = [{ key: "logical/a", value: new Uint8Array([1, 2, 3]) }];

function sourceIn(spoolFolder: string): SnapshotSource {
  return {
    spoolFolder,
    save: async () =>
      (await writeSnapshot(spoolFolder, asynchronous(content), testMeta, (sums) => sums)).body,
    checkSums: ({ sums, sealedSums }) => assertEquals(sums, sealedSums),
    decrypt: ({ key }) => assertEquals(key, "logical/a"),
  };
}

/** A schedule over one setting, at work in a folder that must be empty whenever it rests. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly transactions = new Transactions(new InmemStorage());
  readonly target = new MemoryTarget();
  attempts = 0;
  readonly made: string[] = [];
  schedule: SnapshotSchedule;

  private constructor(readonly folder: string) {
    this.schedule = this.make();
  }

  static async open(): Promise<Bench> {
    const bench = new Bench(await Deno.makeTempDir());
    await bench.transactions.run(async (t) => {
      await saveSettings(t, "daily", settings);
      saveState(t, "daily", freshState(bench.clock.now()));
    });
    return bench;
  }

  make(): SnapshotSchedule {
    const { clock, transactions } = this;
    return new SnapshotSchedule({
      clock,
      transactions,
      log: silentLogger,
      source: sourceIn(this.folder),
      target: () => Promise.resolve(this.target),
      observe: () => this.attempts++,
      made: async ({ name, file }) => {
        // It is noted by then.
        assertEquals((await this.state()).lastUrl, this.target.url(file));
        this.made.push(name);
      },
    });
  }

  async state() {
    const state = await this.transactions.run((t) => readState(t, "daily"));
    assert(state !== undefined);
    return state;
  }

  /** Lets time pass in steps, with the disk's pace for what each starts. */
  async pass(milliseconds: number, stepMs = 5_000): Promise<void> {
    for (let at = 0; at < milliseconds; at += stepMs) {
      await this.clock.advance(stepMs);
      await this.rest();
    }
  }

  /** Until no attempt is under way. */
  async rest(): Promise<void> {
    do await settle(); while (this.schedule.running !== undefined);
    await settle();
  }

  async [Symbol.asyncDispose]() {
    await this.schedule.stop();
    assertEquals([...Deno.readDirSync(this.folder)], []);
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("a snapshot is made at once, then each interval, and the newest are kept", async () => {
  await using bench = await Bench.open();
  bench.schedule.nudge();
  await bench.rest();
  assertEquals(bench.target.files.size, 1);
  const { lastSuccess, nextStart, failures } = await bench.state();
  assertEquals(failures, 0);
  assertEquals(nextStart - lastSuccess, 3_600_000);
  bench.target.files.set("other-1.snap", new Uint8Array());
  await bench.pass(3 * 3_600_000, 600_000);
  const names = [...bench.target.files.keys()].sort();
  assertEquals(names.length, 3);
  assertEquals(names[0], "other-1.snap");
  assertEquals(bench.attempts, 4);
});

Deno.test("a failure is tried again, later each time, and is told until it works", async () => {
  await using bench = await Bench.open();
  bench.target.failing = true;
  bench.schedule.nudge();
  await bench.pass(75_000);
  // At 0, 10, 30 and 70 seconds.
  assertEquals(bench.attempts, 4);
  const state = await bench.state();
  assertEquals([state.failures, state.lastError], [4, "no route to memory"]);
  const told = backupWarning("daily", state, settings.interval, bench.clock.now()) ?? "";
  assertStringIncludes(told, "last good backup never; the last attempt failed: no route to memory");
  bench.target.failing = false;
  await bench.pass(80_000);
  const after = await bench.state();
  assertEquals([after.failures, after.lastError], [0, ""]);
  assertEquals(backupWarning("daily", after, settings.interval, bench.clock.now()), undefined);
});

Deno.test("what was kept damaged is no backup: it goes, and older ones stay", async () => {
  await using bench = await Bench.open();
  bench.schedule.nudge();
  await bench.rest();
  const [good] = bench.target.files.keys();
  bench.target.damaging = true;
  await bench.pass(3_700_000, 60_000);
  assertEquals([...bench.target.files.keys()], [good]);
  const state = await bench.state();
  assertStringIncludes(state.lastError, "written but not verified");
  assert(state.lastSuccess < state.lastEnd);
});

Deno.test("a node that stops breaks off its attempt, and the next one makes it", async () => {
  await using bench = await Bench.open();
  bench.target.hold = new Promise(() => {});
  bench.schedule.nudge();
  while (bench.schedule.running === undefined) await settle();
  await bench.schedule.stop();
  assertEquals((await bench.state()).lastStart, 0);
  bench.target.hold = undefined;
  bench.schedule = bench.make();
  bench.schedule.nudge();
  await bench.rest();
  assertEquals(bench.target.files.size, 1);
});

Deno.test("what was uploaded and not verified, for the node stopped, does not stay", async () => {
  await using bench = await Bench.open();
  bench.target.holdingReads = true;
  bench.schedule.nudge();
  while (bench.target.files.size === 0) await settle();
  await bench.schedule.stop();
  const [left = ""] = bench.target.files.keys();
  assertEquals((await bench.state()).pending, [left]);
  bench.target.holdingReads = false;
  await bench.clock.advance(1000);
  bench.schedule = bench.make();
  bench.schedule.nudge();
  await bench.rest();
  assertEquals(bench.target.files.size, 1);
  assert(!bench.target.files.has(left));
  assertEquals((await bench.state()).pending, []);
});

Deno.test("settings that are removed while it runs stay removed", async () => {
  await using bench = await Bench.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  bench.target.hold = promise;
  bench.schedule.nudge();
  while (bench.schedule.running === undefined) await settle();
  await bench.transactions.run((t) => deleteSettings(t, "daily"));
  resolve();
  await bench.rest();
  assertEquals(await bench.transactions.run((t) => readState(t, "daily")), undefined);
});

Deno.test("names sort by time, and only those of the prefix are ever surplus", () => {
  const names = [3, 1, 2, 10].map((ms) => snapshotName("p", ms));
  assertEquals(names[0], "p-3000000.snap");
  assertEquals(surplus("p", [...names, "p-x.snap", "q-1.snap", "p-1.snap.part"], 2), [
    "p-2000000.snap",
    "p-1000000.snap",
  ]);
  assertEquals(beganAt("p", "p-p-1.snap"), undefined);
});

Deno.test("a retry is never later than the interval or a quarter of an hour", () => {
  assertEquals([1, 2, 3].map((n) => retryDelayMs(n, 3600)), [10_000, 20_000, 40_000]);
  assertEquals(retryDelayMs(500, 86_400), 900_000);
  assertEquals(retryDelayMs(9, 30), 30_000);
});
