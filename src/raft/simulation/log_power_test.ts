/** What the simulator found in the log's files once; kept here whatever its generators draw. */
import { strict as assert } from "node:assert";
import { utf8 } from "../../base/bytes.ts";
import { silentLogger } from "../../base/log.ts";
import { LogDisk } from "../log_disk.ts";
import { EntryType, type LogEntry } from "../log_entry.ts";
import { processDisk } from "./process_disk.ts";
import { SimulatedFiles } from "./simulated_files.ts";
import { Process, VirtualTime } from "./virtual_time.ts";

const entries = [1, 2, 3, 4, 5].map((index): LogEntry => {
  return { index, term: 1, type: EntryType.changes, payload: utf8(`entry ${index}`) };
});

/** Begins work on a log, and cuts the power when the disk has been asked so many times. */
async function cutPower(
  files: SimulatedFiles,
  operations: number,
  lostNotes: number,
  work: (log: LogDisk) => Promise<void>,
): Promise<boolean> {
  const time = new VirtualTime();
  const process = new Process(time, 1);
  let isDone = false;
  const crash = () => {
    process.isAlive = false;
  };
  const parts = { files, process, draw: () => 0, syncMs: () => 1, readMs: () => 0, waste: 1 };
  const removed = () => {};
  const disk = processDisk({ ...parts, crash, removed, plant: undefined });
  const options = { directory: "/a", clock: process, log: silentLogger, segmentBytes: 300, disk };
  const running = LogDisk.open(options).then(async (log) => {
    files.crashIn = operations;
    await work(log);
    isDone = true;
  });
  running.catch(() => undefined);
  do for (let turn = 0; turn < 50; turn++) await null; while (time.next());
  if (!process.isAlive || isDone) files.crash((bound) => Math.max(0, bound - 1 - lostNotes), true);
  if (process.isAlive) await running;
  process.isAlive = false;
  return isDone;
}

async function survives(what: string, work: (log: LogDisk) => Promise<void>): Promise<void> {
  for (const lostNotes of [0, 1, 2, 3]) {
    for (let operations = 1, isDone = false; !isDone; operations++) {
      const files = new SimulatedFiles();
      await cutPower(files, 0, 0, async (log) => {
        for (const entry of entries) await log.append([entry]);
      });
      isDone = await cutPower(files, operations, lostNotes, work);
      const opens = await cutPower(files, 0, 0, () => Promise.resolve());
      assert.ok(opens, `${what}: after ${operations} operations, ${lostNotes} notes lost`);
    }
  }
}

Deno.test("a log that was cut back opens after a power cut at any moment", async () => {
  await survives("truncate", (log) => log.truncate(2));
});

Deno.test("a log that began anew opens after a power cut at any moment", async () => {
  const base = { index: 9, term: 2, termStart: 9, sum: new Uint8Array(16) };
  await survives("restart", (log) => log.restart(base));
  await survives("restart", (log) => log.restart({ ...base, index: 0, term: 0, termStart: 0 }));
});
