import { assertEquals, assertRejects } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { utf8 } from "../base/bytes.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError, StorageError, StorageFatalError } from "./errors.ts";
import { EntryType, type LogEntry } from "./log_entry.ts";
import { LogDisk } from "./log_disk.ts";
import { inDirectory } from "./testing.ts";

function options(directory: string, segmentBytes = 1e6) {
  const clock = { now: () => 7, monotonic: () => 0, after: () => () => {} };
  return { directory, clock, log: silentLogger, segmentBytes };
}

function entry(index: number, term = 1): LogEntry {
  return { index, term, type: EntryType.changes, payload: utf8(`entry ${index} of ${term}`) };
}

/** Whose commits fail while it is told so, after they were made. */
class DoubtfulDisk {
  isFailing = false;
  readonly disk: Disk = {
    ...denoDisk,
    openKv: async (path) => {
      const store = await denoDisk.openKv(path);
      return {
        get: (key) => store.get(key),
        list: (range) => store.list(range),
        close: () => store.close(),
        commit: async (mutations) => {
          await store.commit(mutations);
          if (this.isFailing) throw new Error("disk I/O error");
        },
      };
    },
  };
}

Deno.test("what was never written need not be removed, and what follows still fits", () =>
  inDirectory(async (directory) => {
    const log = await LogDisk.open(options(directory));
    await log.append([entry(1), entry(2)]);
    await log.truncate(5);
    assertEquals(log.last.index, 2);
    await assertRejects(() => log.append([entry(5, 2)]), Error, "follow each other");
    await log.append([entry(3, 2)]);
    await log.truncate(3);
    assertEquals([log.last.index, log.last.term], [2, 1]);
    log.close();
  }));

Deno.test("an old segment without its end can be dropped, and is not read", () =>
  inDirectory(async (directory) => {
    const written = await LogDisk.open(options(directory, 1));
    for (let index = 1; index <= 6; index += 2) {
      await written.append([entry(index), entry(index + 1)]);
    }
    assertEquals([written.segments, written.firstIndex, written.last.index], [3, 1, 6]);
    written.close();
    const [, second] = [...Deno.readDirSync(directory)].map(({ name }) => name)
      .filter((name) => name.endsWith(".kv")).sort();
    const path = `${directory}/${second}`;
    using torn = await Deno.openKv(path);
    await torn.delete(["e", 4]);

    const log = await LogDisk.open(options(directory, 1));
    await assertRejects(() => Array.fromAsync(log.read(3, 3)), Error, path);
    assertEquals(await log.dropOldest(3, () => true), 1);
    // What compaction asks for: where the log starts now, and since when.
    assertEquals([(await log.link(2)).index, await log.oldestCreatedAt()], [2, 7]);
    assertEquals(await log.dropOldest(5, () => true), 1);
    assertEquals((await log.link(4)).index, 4);
    const gone = await assertRejects(() => Array.fromAsync(log.read(3, 6)), StorageError);
    assertEquals(gone instanceof CorruptionError, false, "what is compacted away is not damaged");
    log.close();
  }));

for (const first of ["entry", "segment"] as const) {
  Deno.test(`after a write that failed and is on disk all the same nothing is written: a new ${first}`, () =>
    inDirectory(async (directory) => {
      const doubtful = new DoubtfulDisk();
      const { disk } = doubtful;
      const failing = await LogDisk.open({ ...options(directory), disk });
      await failing.append([entry(1)]);
      doubtful.isFailing = true;
      const changes = [() => failing.append([entry(2)]), () => failing.roll()];
      for (const change of first === "entry" ? changes : changes.toReversed()) {
        await assertRejects(change, StorageFatalError, "disk I/O error");
      }
      failing.close();
      doubtful.isFailing = false;
      const log = await LogDisk.open({ ...options(directory), disk });
      const last = first === "entry" ? 2 : 1;
      assertEquals(log.last.index, last);
      await log.append([entry(last + 1)]);
      const read = [];
      for await (const page of log.read(1, last + 1)) read.push(...page.map(({ index }) => index));
      assertEquals(read, [1, 2, 3].slice(0, last + 1));
      log.close();
    }));
}

Deno.test("who reads while the end of the log is taken back finds what stays", () =>
  inDirectory(async (directory) => {
    const opening = Promise.withResolvers<void>(), opened = Promise.withResolvers<void>();
    let isHeld = false;
    const disk: Disk = {
      ...denoDisk,
      openKv: async (path) => {
        if (isHeld) {
          opening.resolve();
          await opened.promise;
        }
        return await denoDisk.openKv(path);
      },
    };
    const log = await LogDisk.open({ ...options(directory, 1), disk });
    for (let index = 1; index <= 6; index += 2) {
      await log.append([entry(index), entry(index + 1)]);
    }
    isHeld = true;
    const truncated = log.truncate(4);
    await opening.promise;
    const links = Promise.all([log.link(2), log.link(3)]);
    opened.resolve();
    assertEquals((await links).map(({ index }) => index), [2, 3]);
    await truncated;
    assertEquals([log.last.index, log.segments], [3, 2]);
    log.close();
  }));
