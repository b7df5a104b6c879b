import { assertEquals, assertRejects } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { utf8 } from "../base/bytes.ts";
import { EntryType } from "./log_entry.ts";
import { LogDisk } from "./log_disk.ts";

Deno.test("what was never written need not be removed, and what follows still fits", async () => {
  const directory = await Deno.makeTempDir({ prefix: "holdfast-log-" });
  try {
    const clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };
    const log = await LogDisk.open({ directory, clock, log: silentLogger, segmentBytes: 1e6 });
    const entry = (index: number, term: number) => ({
      index,
      term,
      type: EntryType.changes,
      payload: utf8(`entry ${index} of ${term}`),
    });
    await log.append([entry(1, 1), entry(2, 1)]);
    await log.truncate(5);
    assertEquals(log.last.index, 2);
    await assertRejects(() => log.append([entry(5, 2)]), Error, "follow each other");
    await log.append([entry(3, 2)]);
    await log.truncate(3);
    assertEquals([log.last.index, log.last.term], [2, 1]);
    log.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
