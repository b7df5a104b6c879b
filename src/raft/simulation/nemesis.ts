/** What goes wrong in a run: each seed switches some of the faults on, and draws when they strike. */
import type { Configuration } from "../consensus/configuration.ts";
import type { SimulatedCluster } from "./simulated_cluster.ts";
import type { SimulatedNode } from "./simulated_node.ts";
import type { Draw } from "./world.ts";

/** Faults that are there all the time. */
export const lasting = ["loss", "doubling", "overtaking", "delay", "drift", "slow disk"] as const;
/** Faults that strike now and then. */
export const striking = [
  "partition",
  "one-way partition",
  "flapping link",
  "swizzled partition",
  "lonely leaders",
  "ousted leaders",
  "black hole",
  "crash",
  "power cut",
  "pause",
  "membership",
  "compaction",
  "transfer",
] as const;

export type Lasting = typeof lasting[number];
export type Striking = typeof striking[number];

/** Milliseconds between two strikes, at most. */
const QUIET_MS = 1500;
/** Milliseconds that a strike lasts, at most. */
const STRIKE_MS = 4000;
/** Entries that a compaction leaves before the state, fewer than. */
const TRAILING = 8;

export function someOf<T>(draw: Draw, all: readonly T[]): T[] {
  return all.filter(() => draw(2) === 0);
}

export class Nemesis {
  readonly #cluster: SimulatedCluster;
  readonly #draw: Draw;
  #isOver = false;

  constructor(cluster: SimulatedCluster, readonly strikes: readonly Striking[]) {
    this.#cluster = cluster;
    this.#draw = cluster.world.draw;
  }

  start(): void {
    if (this.strikes.length > 0) this.#next();
  }

  /** No new strikes; what is broken is mended. */
  stop(): void {
    this.#isOver = true;
    this.#cluster.mend();
  }

  #next(): void {
    this.#after(50 + this.#draw(QUIET_MS), () => {
      this.#strike(this.#pick(this.strikes));
      this.#next();
    });
  }

  #after(ms: number, run: () => void): void {
    this.#cluster.world.time.after(ms, () => {
      if (!this.#isOver) run();
    });
  }

  #pick<T>(list: readonly T[]): T {
    const item = list[this.#draw(list.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }

  /** Any node; every other time one that leads. */
  #victim(): SimulatedNode {
    const nodes = [...this.#cluster.nodes.values()];
    const leaders = nodes.filter(({ isUp, raft }) => isUp && raft.role === "leader");
    return this.#pick(leaders.length > 0 && this.#draw(2) === 0 ? leaders : nodes);
  }

  #strike(strike: Striking): void {
    const victim = this.#victim();
    const ms = 100 + this.#draw(STRIKE_MS);
    switch (strike) {
      case "partition":
        return this.#partition(ms);
      case "one-way partition":
        return this.#oneWay(victim, ms);
      case "flapping link":
        return this.#flap(victim, 6);
      case "swizzled partition":
        return this.#swizzle();
      case "lonely leaders":
        return this.#isolateLeaders(new Set(), 150);
      case "ousted leaders":
        return this.#oustLeaders(10);
      case "black hole":
        return this.#loseAppends(ms);
      case "power cut":
        return this.#cutPower(ms);
      case "crash":
        victim.crash();
        return this.#after(ms, () => victim.restart());
      case "pause":
        return victim.pause(ms, this.#draw(2) === 0);
      case "membership":
        return this.#reconfigure(victim);
      case "compaction":
        return victim.isUp ? victim.flush(this.#draw(TRAILING)) : undefined;
      case "transfer":
        return victim.handOver(this.#pick([...this.#cluster.nodes.keys()]));
    }
  }

  #partition(ms: number): void {
    const ids = [...this.#cluster.nodes.keys()];
    const side = new Set(someOf(this.#draw, ids));
    const others = ids.filter((id) => !side.has(id));
    this.#cluster.world.tell(`the network splits: ${[...side]} | ${others}`);
    const pairs = [...side].flatMap((a) => others.flatMap((b) => [`${a}>${b}`, `${b}>${a}`]));
    this.#cut(pairs, ms);
  }

  #oneWay({ id }: SimulatedNode, ms: number): void {
    const outwards = this.#draw(2) === 0;
    this.#cluster.world.tell(`nothing gets ${outwards ? "out of" : "into"} ${id}`);
    const others = [...this.#cluster.nodes.keys()].filter((other) => other !== id);
    this.#cut(others.map((other) => outwards ? `${id}>${other}` : `${other}>${id}`), ms);
  }

  #flap(victim: SimulatedNode, times: number): void {
    if (times === 0) return;
    this.#oneWay(victim, 150);
    this.#after(300, () => this.#flap(victim, times - 1));
  }

  /** Nodes are cut off one after the other, and come back in another order. */
  #swizzle(): void {
    const ids = someOf(this.#draw, [...this.#cluster.nodes.keys()]);
    for (const id of ids) {
      this.#after(this.#draw(STRIKE_MS), () => {
        const others = [...this.#cluster.nodes.keys()].filter((other) => other !== id);
        this.#cluster.world.tell(`${id} is cut off`);
        const pairs = others.flatMap((other) => [`${id}>${other}`, `${other}>${id}`]);
        this.#cut(pairs, 100 + this.#draw(STRIKE_MS));
      });
    }
  }

  /** Whoever is elected soon reaches only some of the others. Looks so many times, every 40 ms. */
  #isolateLeaders(done: Set<number>, times: number): void {
    if (times === 0) return;
    for (const { id, isUp, raft } of this.#cluster.nodes.values()) {
      if (!isUp || raft.role !== "leader" || done.has(raft.term)) continue;
      done.add(raft.term);
      const others = [...this.#cluster.nodes.keys()].filter((other) => other !== id);
      const lost = someOf(this.#draw, others);
      this.#cluster.world.tell(`${id} loses ${lost}`);
      this.#after(this.#draw(100), () => {
        this.#cut(lost.flatMap((other) => [`${id}>${other}`, `${other}>${id}`]), 2000);
      });
    }
    this.#after(40, () => this.#isolateLeaders(done, times - 1));
  }

  /** Who leads is cut off as soon as it may have begun its term, and comes back for the next. */
  #oustLeaders(times: number): void {
    const { nodes, network, world } = this.#cluster;
    if (times === 0) return network.cuts.clear();
    const leaders = [...nodes.values()].filter(({ isUp, raft }) => isUp && raft.role === "leader");
    const [newest] = leaders.sort((a, b) => b.raft.term - a.raft.term);
    if (newest === undefined) return this.#after(10, () => this.#oustLeaders(times));
    network.cuts.clear();
    const { id } = newest;
    const others = [...nodes.keys()].filter((other) => other !== id);
    world.tell(`${id} is ousted`);
    for (const other of others) network.cuts.add(`${id}>${other}`).add(`${other}>${id}`);
    const { term } = newest.raft;
    const isNext = () =>
      [...nodes.values()].some(({ raft }) => {
        return raft.role === "leader" && raft.term > term;
      });
    const wait = () => {
      if (isNext()) this.#after(this.#draw(120), () => this.#oustLeaders(times - 1));
      else this.#after(10, wait);
    };
    wait();
  }

  #loseAppends(ms: number): void {
    const { network, world } = this.#cluster;
    network.faults.appendsLost = 500 + this.#draw(450);
    world.tell(`${network.faults.appendsLost} of 1000 appends are lost`);
    this.#after(ms, () => {
      network.faults.appendsLost = 0;
    });
  }

  #cutPower(ms: number): void {
    for (const node of someOf(this.#draw, [...this.#cluster.nodes.values()])) {
      node.crash();
      this.#after(this.#draw(ms), () => node.restart());
    }
  }

  #cut(pairs: readonly string[], ms: number): void {
    const { cuts } = this.#cluster.network;
    for (const pair of pairs) cuts.add(pair);
    this.#after(ms, () => {
      for (const pair of pairs) cuts.delete(pair);
    });
  }

  /** Adds a learner, promotes one, or takes a node out. */
  #reconfigure({ isUp, raft, driver }: SimulatedNode): void {
    if (!isUp || raft.role !== "leader") return;
    const { members } = raft.configuration;
    const learners = members.filter(({ voter }) => !voter).map((member) => member.id);
    const all = [...this.#cluster.nodes.keys()];
    const id = this.#pick(learners.length > 0 && this.#draw(2) === 0 ? learners : all);
    const known = members.find((member) => member.id === id);
    const others = members.filter((member) => member.id !== id);
    if (known?.voter === true && others.filter(({ voter }) => voter).length < 2) return;
    const next: Configuration = known?.voter === true
      ? { members: others }
      : { members: [...others, { id, address: "", voter: known !== undefined }] };
    driver.post(() => {
      if (raft.reconfigure(next) === undefined) return;
      const text = next.members.map((member) => member.voter ? member.id : `${member.id}?`);
      this.#cluster.world.tell(`the membership becomes ${text.join(" ")}`);
    });
  }
}
