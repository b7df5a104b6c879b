import { assert, assertEquals } from "@std/assert";
import { seeded } from "../raft/testing.ts";
import { compareVersions } from "../base/semver.ts";
import {
  type Candidate,
  optimisticTolerance,
  planVoters,
  type UpgradeStatus,
  zonesOf,
} from "./voter_plan.ts";

/**
 * Members of a line: id, "@zone", ":version", and "*" leads, "_" does not vote, "!" does not work,
 * "/" is a read replica.
 */
function group(text: string): Candidate[] {
  return text.split(" ").map((word) => {
    const match = /^([a-z0-9]+)(?:@([a-z]+))?(?::([a-z0-9.+-]+))?([*!_/]*)$/.exec(word);
    const marks = match?.[4] ?? "";
    return {
      id: match?.[1] ?? "",
      zone: match?.[2] ?? "",
      version: match?.[3] ?? "",
      isLeader: marks.includes("*"),
      voter: !marks.includes("_") && !marks.includes("/"),
      staysLearner: marks.includes("/"),
      isHealthy: !marks.includes("!"),
    };
  });
}

/** `+a` may vote, `-a` votes no more, `>a` may lead next, and the upgrade's status. */
function told(text: string, migrates = true): string {
  const { mayVote, demote, leadNext, upgrade } = planVoters(group(text), migrates);
  return [
    ...[...mayVote].map((id) => `+${id}`),
    ...(demote === undefined ? [] : [`-${demote}`]),
    ...leadNext.map((id) => `>${id}`),
    upgrade.status,
  ].join(" ");
}

Deno.test("zones: one votes, the others wait; the lost one is replaced first and votes no more then", () => {
  const table: [group: string, plan: string][] = [
    ["a* b c", "idle"],
    ["a* b_ c_", "+b +c idle"],
    ["a* b_ c/", "+b idle"],
    ["a@x* b@y_ c@z_", "+b +c idle"],
    ["a@x* a2@x_ b@y b2@y_ c@z c2@z_", "idle"],
    // A voter is lost: its reserve first, then itself.
    ["a@x* a2@x_ b@y! b2@y_ c@z c2@z_", "+b2 idle"],
    ["a@x* a2@x_ b@y! b2@y c@z c2@z_", "-b idle"],
    ["a@x* a2@x_ b@y!_ b2@y c@z c2@z_", "idle"],
    // It comes back and stays in reserve.
    ["a@x* a2@x_ b@y_ b2@y c@z c2@z_", "idle"],
    // Nobody in reserve works: the zone keeps the voter that it has.
    ["a@x* b@y! b2@y!_ c@z", "idle"],
    // Two of a zone vote, one of them leads.
    ["a@x a2@x* b@y c@z", "-a idle"],
    // Two zones: the second vote of one goes, a single one stays.
    ["a@x* a2@x b@y", "-a2 idle"],
    // Whoever works must be a quorum afterwards.
    ["a@x* a2@x b@y! c@z!", "idle"],
    // Who has no zone votes as ever.
    ["a@x* a2@x_ b_ c@y_", "+b +c idle"],
  ];
  for (const [text, plan] of table) assertEquals(told(text), plan, text);
});

Deno.test("upgrades: the newer wait until they are enough, then vote, lead, and the older don't", () => {
  const table: [group: string, plan: string][] = [
    ["o1:1* o2:1 o3:1 n1:2_", "await-new-voters"],
    ["o1:1* o2:1 o3:1 n1:2_ n2:2_", "await-new-voters"],
    ["o1:1* o2:1 o3:1 n1:2_ n2:2_ n3:2!_", "await-new-voters"],
    ["o1:1* o2:1 o3:1 n1:2_ n2:2_ n3:2_", "+n1 +n2 +n3 promoting"],
    ["o1:1* o2:1 o3:1 n1:2 n2:2_ n3:2_", "+n2 +n3 promoting"],
    ["o1:1* o2:1 o3:1 n1:2 n2:2 n3:2", "-o2 demoting"],
    ["o1:1* o2:1_ o3:1 n1:2 n2:2 n3:2", "-o3 demoting"],
    ["o1:1* o2:1_ o3:1_ n1:2 n2:2 n3:2", ">n1 >n2 >n3 leader-transfer"],
    ["o1:1 o2:1_ o3:1_ n1:2* n2:2 n3:2", "-o1 demoting"],
    ["o1:1_ o2:1_ o3:1_ n1:2* n2:2 n3:2", "await-server-removal"],
    ["n1:2* n2:2 n3:2", "idle"],
    // In place, one after another: nobody loses a vote.
    ["a:1* b:1 c:2", "await-new-voters"],
    ["a:1* b:2 c:2", "await-new-voters"],
    ["a:1* b:1 c:1 d:2 e:2", "await-new-voters"],
    // One of the older version that is replaced meanwhile votes as ever.
    ["o1:1* o2:1 o3:1_ n1:2_", "+o3 await-new-voters"],
    // Build metadata is no upgrade, a release after its candidate is one.
    ["a:1.0.0+x* b:1.0.0+y_", "+b idle"],
    ["a:1.0.0-rc1* b:1.0.0_", "+b promoting"],
    // Who says nothing holds up nothing.
    ["a* b:2_ c:2_", "+b +c idle"],
    ["a:nonsense* b:2_", "+b idle"],
    // Read replicas count for nothing.
    ["o1:1* o2:1/ n1:2/", "idle"],
  ];
  for (const [text, plan] of table) assertEquals(told(text), plan, text);
  assertEquals(told("o1:1* o2:1 n1:2_", false), "+n1 disabled");
});

Deno.test("upgrades and zones: one of each zone of the newer version takes over", () => {
  const table: [group: string, plan: string][] = [
    ["a@x:1* b@y:1 c@z:1 a2@x:1_ n@x:2_ m@y:2_", "await-new-voters"],
    ["a@x:1* b@y:1 c@z:1 a2@x:1_ n@x:2_ m@y:2_ l@z:2_", "+n +m +l promoting"],
    ["a@x:1* b@y:1 c@z:1 a2@x:1_ n@x:2 m@y:2 l@z:2", "-b demoting"],
    ["a@x:1_ b@y:1_ c@z:1_ a2@x:1_ n@x:2* m@y:2 l@z:2 n2@x:2_", "await-server-removal"],
    // A zone whose only one that works is newer is not left without a vote.
    ["a@x:1* b@y:1 c@z:1! n@z:2_", "+n await-new-voters"],
  ];
  for (const [text, plan] of table) assertEquals(told(text), plan, text);
});

Deno.test("versions are compared as semver.org has it", () => {
  const ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2"];
  ordered.push("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "v1.2", "1.10.0");
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) {
      assertEquals(Math.sign(compareVersions(a, b) ?? NaN), Math.sign(i - j), `${a} ${b}`);
    }
  }
  assertEquals(compareVersions("1.0.0+a", "1.0.0+b"), 0);
  assertEquals(compareVersions("1", "blue"), undefined);
});

Deno.test("zones tell who is there and how many may fail", () => {
  const members = group("a@x* a2@x_ a3@x!_ b@y c r@x/");
  const zones = zonesOf(members);
  assertEquals(zones.get("x"), {
    servers: ["a", "a2", "a3", "r"],
    voters: ["a"],
    failureTolerance: 1,
  });
  assertEquals([...zones.keys()], ["x", "y"]);
  assertEquals(optimisticTolerance(members, 1), 2);
});

/** One step of a plan, as the leader takes it. */
function step(
  members: readonly Candidate[],
  draw: (bound: number) => number,
): Candidate[] | undefined {
  const { mayVote, demote, leadNext } = planVoters(members, true);
  // A learner that is down can't catch up.
  const able = members.filter(({ id, isHealthy }) => mayVote.has(id) && isHealthy);
  const promoted = able[draw(Math.max(1, able.length))];
  if (promoted !== undefined) {
    return members.map((each) => each === promoted ? { ...each, voter: true } : each);
  }
  if (demote !== undefined) {
    return members.map((each) => each.id === demote ? { ...each, voter: false } : each);
  }
  const next = members.filter(({ id, isHealthy }) => leadNext.includes(id) && isHealthy)[0];
  if (next === undefined) return undefined;
  return members.map((each) => ({ ...each, isLeader: each === next }));
}

function quorumOf(members: readonly Candidate[]): { working: number; voters: number } {
  const voters = members.filter(({ voter }) => voter);
  return { working: voters.filter(({ isHealthy }) => isHealthy).length, voters: voters.length };
}

Deno.test("whatever the group, no step leaves it without a quorum, and the steps come to an end", () => {
  const ends = new Map<UpgradeStatus, number>();
  for (let seed = 1; seed <= 20_000; seed++) {
    const draw = seeded(seed);
    const size = 1 + draw(9), zones = draw(4), versions = 1 + draw(3);
    let members: Candidate[] = Array.from({ length: size }, (_, i) => ({
      id: `n${i}`,
      voter: i === 0 || draw(3) > 0,
      isLeader: i === 0,
      staysLearner: false,
      isHealthy: i === 0 || draw(5) > 0,
      zone: zones === 0 ? "" : `z${draw(zones)}`,
      version: draw(8) === 0 ? "" : `1.${draw(versions)}.0`,
    }));
    const begin = quorumOf(members);
    // A group that has no quorum has no leader, and nobody makes plans for it.
    if (begin.working * 2 <= begin.voters) continue;
    let steps = 0;
    for (;; steps++) {
      assert(steps < 4 * size, `seed ${seed}: no end`);
      const next = step(members, draw);
      if (next === undefined) break;
      const { working, voters } = quorumOf(next);
      assert(working * 2 > voters, `seed ${seed}: no quorum`);
      const leader = next.find(({ isLeader }) => isLeader);
      assert(leader?.voter === true && leader.isHealthy, `seed ${seed}: who leads votes`);
      members = next;
    }
    const { upgrade } = planVoters(members, true);
    ends.set(upgrade.status, (ends.get(upgrade.status) ?? 0) + 1);
    // Who could vote for its zone does.
    for (const [zone, inZone] of Map.groupBy(members, (each) => each.zone)) {
      if (zone === "" || upgrade.status !== "idle") continue;
      if (inZone.some(({ isHealthy }) => isHealthy)) {
        assert(inZone.some((each) => each.voter && each.isHealthy), `seed ${seed}: zone ${zone}`);
      }
    }
  }
  for (const status of ["idle", "await-new-voters", "await-server-removal"] as const) {
    assert((ends.get(status) ?? 0) > 100, `${status}: ${ends.get(status)}`);
  }
});
