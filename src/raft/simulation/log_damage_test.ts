/** A leader that has lost an old entry which a follower needs says so, and lets another lead. */
import { strict as assert } from "node:assert";
import { seeded } from "../testing.ts";
import { Coverage } from "./coverage.ts";
import { stepQuietly, Turns } from "./quiet.ts";
import { StoredCluster } from "./stored_cluster.ts";
import type { StoredNode } from "./stored_node.ts";
import { VirtualTime } from "./virtual_time.ts";

function threeNodes() {
  const chance = seeded(1), time = new VirtualTime(), turns = new Turns();
  const told: string[] = [];
  const world = {
    time,
    // Of what is drawn only this matters here: how many entries of the log stay after a flush.
    draw: (bound: number) => bound === 40 ? 39 : chance(bound),
    coverage: new Coverage(),
    tell: (line: string) => void told.push(line),
    fail: (error: Error) => {
      throw error;
    },
  };
  const cluster = new StoredCluster(world, {
    voters: 3,
    faults: new Set(),
    plant: undefined,
    turns,
  });
  cluster.rest();
  const pass = (ms: number) => {
    const end = time.now + ms;
    time.after(ms, () => {});
    return stepQuietly(() => time.now < end && time.next(), turns);
  };
  return { cluster, told, pass };
}

Deno.test("a damaged old entry that a follower needs is named, and another leads on", async () => {
  const { cluster, told, pass } = threeNodes();
  const nodes = [...cluster.nodes.values()];
  const leader = (): StoredNode => {
    const found = nodes.find(({ isUp, role }) => isUp && role === "leader");
    if (found === undefined) throw new Error("nobody leads");
    return found;
  };
  const write = async (key: string) => {
    const written = leader().write([{ key, value: "v" }]);
    await pass(100);
    await written;
  };
  cluster.form();
  await pass(5000);
  await write("before");
  const damaged = leader();
  const [behind, whole] = nodes.filter((node) => node !== damaged);
  if (behind === undefined || whole === undefined) throw new Error("three nodes");
  const needed = (behind.storage?.commitIndex ?? 0) + 10;
  behind.crash(false);
  for (let i = 0; i < 20; i++) await write(`w/${i}`);
  for (const node of [damaged, whole]) node.flush();
  await pass(2000);
  for (const node of [damaged, whole]) node.crash(false);
  assert.ok(damaged.files.rotRow(() => 0, ["e", needed]) !== undefined, "no such entry");
  for (const node of [damaged, whole]) node.restart();
  await pass(3000);
  if (leader() !== damaged) {
    leader().handOver();
    await pass(2000);
  }
  assert.equal(leader(), damaged);
  behind.restart();
  await pass(4000);
  assert.equal(leader(), whole);
  assert.equal(behind.storage?.appliedIndex, whole.storage?.appliedIndex);
  const said = told.filter((line) => line.includes("damage"));
  assert.deepEqual(said.map((line) => line.trim()), [
    `${damaged.id}: a log entry that a peer needs is damaged`,
    `${damaged.id}: leadership was handed over because of damage in the log`,
  ]);
});
