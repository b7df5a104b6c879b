/** A damaged state file is set aside where the group has it too; a damaged log is named. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../base/clock.ts";
import { CorruptionError } from "./errors.ts";
import { readFloor } from "./state_repair.ts";
import { isDamaged, survey } from "./survey.ts";
import { inDirectory, openForTest } from "./testing.ts";

async function spoil(path: string, name: RegExp): Promise<string> {
  for await (const entry of Deno.readDir(path)) {
    if (!name.test(entry.name)) continue;
    await Deno.writeFile(`${path}/${entry.name}`, new Uint8Array(9000).fill(7));
    return entry.name;
  }
  throw new Error(`nothing like ${name}`);
}

/** A directory of a node that led a group and was closed in order. */
async function usedDirectory(path: string) {
  const storage = await openForTest(path, { nodeId: "a" });
  const alive = setInterval(() => {}, 1000);
  for (let i = 0; i < 5; i++) await storage.write([{ key: `k${i}`, value: new Uint8Array(9) }]);
  await storage.close();
  clearInterval(alive);
  return { term: storage.term, index: storage.appliedIndex };
}

const repairing = { bootstrap: false, repair: true };

Deno.test("a damaged state is set aside; id and term stay, and how far the log went", () =>
  inDirectory(async (path) => {
    const last = await usedDirectory(path);
    const name = await spoil(path, /^state-\d+\.kv$/);
    await assertRejects(() => openForTest(path, { bootstrap: false }), CorruptionError, name);
    for (let start = 0; start < 2; start++) {
      const storage = await openForTest(path, repairing);
      assertEquals([storage.nodeId, storage.term], ["a", last.term]);
      assertEquals([storage.group.isMember, storage.appliedIndex], [false, 0]);
      assertEquals(await readFloor(path), last);
      await assertRejects(() => storage.group.bootstrap("127.0.0.1:1"), Error, "join its group");
      await storage.close();
    }
    const told = await survey(path, systemClock);
    assert(isDamaged(told) && told.damage.includes("given up"), "no group is made of it");
    const aside = await Deno.readFile(`${path}/damaged-${name}`);
    assertEquals(aside[0], 7);
    // What the first repair noted is not forgotten by a second.
    await spoil(path, /^state-\d+\.kv$/);
    await (await openForTest(path, repairing)).close();
    assertEquals(await readFloor(path), last);
  }));

Deno.test("a log that may have held acknowledged entries is not given up", () =>
  inDirectory(async (path) => {
    await usedDirectory(path);
    await spoil(path, /^state-\d+\.kv$/);
    const name = await spoil(`${path}/raft`, /^log-\d+\.kv$/);
    await assertRejects(() => openForTest(path, repairing), CorruptionError, name);
    await Deno.remove(`${path}/raft/${name}`);
    await assertRejects(() => openForTest(path, repairing), CorruptionError, "missing");
    assert((await Deno.stat(`${path}/CURRENT`)).isFile);
    assertEquals(await readFloor(path), undefined);
  }));

Deno.test("a node that was taking in another state repairs itself, and what broke off counts no more", () =>
  inDirectory(async (path) => {
    const last = await usedDirectory(path);
    await spoil(path, /^state-1\.kv$/);
    // The state that the repair makes gets the name that the other one would have had.
    await Deno.writeTextFile(`${path}/raft/installing`, "63 state-2.kv\n");
    for (let start = 0; start < 2; start++) {
      const storage = await openForTest(path, repairing);
      assertEquals([storage.nodeId, storage.appliedIndex], ["a", 0]);
      assertEquals(await readFloor(path), last);
      await storage.close();
    }
  }));

Deno.test("a state that does not hold what was taken in is named at every start", () =>
  inDirectory(async (path) => {
    await usedDirectory(path);
    await Deno.writeTextFile(`${path}/raft/installing`, "63 state-1.kv\n");
    for (let start = 0; start < 2; start++) {
      await assertRejects(() => openForTest(path), CorruptionError, "held it up to 63");
    }
  }));
