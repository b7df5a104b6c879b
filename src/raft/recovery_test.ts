/** Which log goes on when most of a group is lost, and what is refused. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { systemClock } from "../base/clock.ts";
import type { Member } from "./consensus/configuration.ts";
import { readPeers, writePeers } from "./peers_file.ts";
import { planRecovery } from "./recovery.ts";
import { isDamaged, type Survey, survey } from "./survey.ts";
import { inDirectory, openForTest } from "./testing.ts";

const members: Member[] = ["a", "b", "c"].map((id) => ({ id, address: `${id}:1`, voter: true }));

function node(nodeId: string, lastTerm: number, lastIndex: number, more: Partial<Survey> = {}) {
  const log = { lastTerm, lastIndex, appliedIndex: 1, committedIndex: 1 };
  return { directory: `/${nodeId}`, nodeId, term: lastTerm, vote: "", members, ...log, ...more };
}

const all = { keep: [], addresses: new Map<string, string>() };

Deno.test("the longest log leads, by its last term first; the others learn it", () => {
  const plan = planRecovery([node("a", 2, 90), node("b", 3, 80)], all);
  assertEquals(plan.members, [
    { id: "a", address: "a:1", voter: false },
    { id: "b", address: "b:1", voter: true },
  ]);
  assertEquals([plan.unseen, plan.objections], [["c"], []]);
});

Deno.test("a longer log that shall not stay, a damaged one and known commits are objected to", () => {
  const damaged = { directory: "/c", nodeId: "c", damage: "/c/raft/log-1.kv is damaged" };
  const found = [node("a", 2, 90), node("b", 2, 91), damaged];
  const { chosen, objections } = planRecovery(found, { ...all, keep: ["a"] });
  assertEquals(chosen.nodeId, "a");
  assertEquals(objections.length, 2);
  assert(objections[0]?.includes("the log of b is longer: it ends at entry 91"));
  assert(objections[1]?.includes("/c/raft/log-1.kv is damaged"));
  const knowing = [node("a", 3, 80), node("b", 2, 90, { committedIndex: 85 })];
  assert(planRecovery(knowing, all).objections[0]?.includes("up to 85 to be committed"));
});

Deno.test("what makes no group is refused", () => {
  const lone = { members: members.slice(0, 1) };
  const wrong = (found: Survey[], wish: Partial<typeof all>, told: string) =>
    assertThrows(() => planRecovery(found, { ...all, ...wish }), Error, told);
  wrong([node("a", 1, 1), node("a", 1, 2)], {}, "two directories are of node a");
  wrong([node("a", 1, 1, lone)], {}, "only member");
  wrong([node("a", 1, 1, { members: [] })], {}, "no directory given");
  wrong([node("a", 1, 1)], { addresses: new Map([["a", "nowhere"]]) }, "needs the host and port");
  wrong(
    [node("a", 1, 1)],
    { addresses: new Map([["z", "z:1"]]) },
    "no directory given is of node z",
  );
});

Deno.test("a node that is kept from voting leads where nobody else is left", () => {
  const learners = members.map((one) => ({ ...one, voter: false, staysLearner: true }));
  const plan = planRecovery([node("a", 1, 9, { members: learners })], all);
  assertEquals(plan.members, [{ id: "a", address: "a:1", voter: true }]);
});

Deno.test("a directory tells its log and its members, and names the file where it is damaged", () =>
  inDirectory(async (path) => {
    await assertRejects(() => survey(path, systemClock), Error, "no data directory");
    const storage = await openForTest(path, { nodeId: "a" });
    // The timers of the room let the process end.
    const alive = setInterval(() => {}, 1000);
    await storage.write([{ key: "k", value: new Uint8Array(3) }]);
    await storage.group.add({ id: "b", address: "127.0.0.1:1" });
    await assertRejects(() => survey(path, systemClock), Error, "in use");
    await storage.close();
    clearInterval(alive);
    const told = await survey(path, systemClock);
    assert(!isDamaged(told));
    assertEquals(told.members.map(({ id, voter }) => [id, voter]), [["a", true], ["b", false]]);
    assert(told.lastIndex >= 3 && told.lastTerm >= 1 && told.nodeId === "a");
    await writePeers(path, [{ id: "a", address: "a:1", voter: true }, {
      id: "b",
      address: "b:1",
      voter: false,
    }]);
    assertEquals(await readPeers(path, "a"), {
      members: [{ id: "a", address: "a:1", voter: true }, {
        id: "b",
        address: "b:1",
        voter: false,
      }],
    });
    await Deno.writeTextFile(`${path}/CURRENT`, "nonsense");
    const broken = await survey(path, systemClock);
    assert(isDamaged(broken) && broken.damage.includes("CURRENT"));
  }));
