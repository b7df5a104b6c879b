/**
 * The plan of who votes, carried out by real consensus among nodes that crash, come back and lose
 * messages, with guesses at who is down that are wrong at times. The cluster checks Raft's promises
 * after every step; in the end each zone has one vote, and those of the newer version have it.
 */
import { assert, assertEquals } from "@std/assert";
import { Cluster } from "../raft/consensus/cluster_testing.ts";
import { seeded } from "../raft/testing.ts";
import { type Candidate, planVoters } from "./voter_plan.ts";

interface Node {
  readonly id: string;
  readonly zone: string;
  readonly version: string;
}

class Group {
  readonly cluster: Cluster;

  constructor(
    readonly nodes: readonly Node[],
    voters: number,
    readonly draw: (n: number) => number,
  ) {
    const ids = nodes.map(({ id }) => id);
    this.cluster = new Cluster(ids, draw, ids.slice(voters));
  }

  /** What a leader does when it looks. `errs` is how often it takes a node for what it is not. */
  look(id: string, errs: number): void {
    const { raft, isUp } = this.cluster.get(id);
    if (!isUp || raft.role !== "leader" || raft.isReconfiguring) return;
    const { members } = raft.configuration;
    const candidates = members.map(({ id: each, voter }): Candidate => {
      const node = this.nodes.find((one) => one.id === each);
      const isMistaken = errs > 0 && this.draw(errs) === 0;
      return {
        id: each,
        voter,
        isLeader: each === id,
        staysLearner: false,
        isHealthy: each === id || this.cluster.get(each).isUp !== isMistaken,
        zone: node?.zone ?? "",
        version: node?.version ?? "",
      };
    });
    const { mayVote, demote, leadNext } = planVoters(candidates, true);
    const promoted = members.find((each) =>
      mayVote.has(each.id) && (raft.matchOf(each.id) ?? 0) + 2 >= raft.last.index
    );
    const [next] = leadNext;
    const change = (one: string, voter: boolean) =>
      raft.reconfigure({
        members: members.map((each) => each.id === one ? { ...each, voter } : each),
      });
    if (promoted !== undefined) change(promoted.id, true);
    else if (demote !== undefined) change(demote, false);
    else if (next !== undefined) raft.transferTo(next);
    this.cluster.work(id);
  }

  step(errs: number): void {
    const { draw, cluster } = this;
    const ids = this.nodes.map(({ id }) => id);
    const id = ids[draw(ids.length)] ?? "";
    const choice = draw(100);
    if (choice < 35) { for (const each of ids) cluster.tick(each); }
    else if (choice < 85) this.deliver(draw(20) === 0);
    else if (choice < 95) { for (const each of ids) this.look(each, errs); }
    else if (choice < 97) {
      const down = ids.filter((each) => !cluster.get(each).isUp);
      if (down.length < 1) cluster.crash(id);
    } else for (const each of ids) if (!cluster.get(each).isUp) cluster.restart(each);
  }

  deliver(isLost: boolean): void {
    const { network } = this.cluster;
    const message = network.shift();
    if (message === undefined) return;
    if (isLost) this.cluster.lose(message);
    else this.cluster.deliver(message);
    if (network.length > 300) { for (const old of network.splice(0, 100)) this.cluster.lose(old); }
  }

  /** Everything works; returns who votes once nothing changes any more. */
  heal(): string[] {
    const ids = this.nodes.map(({ id }) => id);
    for (const id of ids) if (!this.cluster.get(id).isUp) this.cluster.restart(id);
    for (let i = 0; i < 300; i++) {
      for (const id of ids) this.cluster.tick(id);
      for (let n = 0; n < 2000 && this.cluster.network.length > 0; n++) this.deliver(false);
      for (const id of ids) this.look(id, 0);
    }
    const [leader, ...others] = this.cluster.leaders();
    assert(leader !== undefined && others.length === 0, "one leader after healing");
    const { members } = this.cluster.get(leader).raft.configuration;
    return members.filter(({ voter }) => voter).map(({ id }) => id).sort();
  }
}

const seeds = Deno.env.get("HOLDFAST_SLOW") === "1" ? 5000 : 150;

Deno.test(`${seeds} groups with zones keep Raft's promises and end with a vote in each zone`, () => {
  const nodes = ["a1", "b1", "c1", "a2", "b2"].map((id) => ({
    id,
    zone: id.slice(0, 1),
    version: "1.0.0",
  }));
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const draw = seeded(seed);
      const group = new Group(nodes, 3, draw);
      for (let i = 0; i < 2000; i++) group.step(30);
      const zones = group.heal().map((id) => id.slice(0, 1));
      assertEquals(zones, ["a", "b", "c"]);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

Deno.test(`${seeds} upgrades keep Raft's promises and end with the newer version`, () => {
  const nodes = ["o1", "o2", "o3", "n1", "n2", "n3"].map((id) => ({
    id,
    zone: "",
    version: id.startsWith("n") ? "1.1.0" : "1.0.0",
  }));
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const draw = seeded(seed);
      const group = new Group(nodes, 3, draw);
      for (let i = 0; i < 2000; i++) group.step(30);
      assertEquals(group.heal(), ["n1", "n2", "n3"]);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
