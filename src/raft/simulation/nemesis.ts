/** What goes wrong in a run: each seed switches some of the faults on, and draws when they strike. */
import type { Configuration } from "../consensus/configuration.ts";
import type { RoleName } from "../consensus/raft.ts";
import type { SimulatedNetwork } from "./simulated_network.ts";
import type { Draw, Surroundings } from "./world.ts";

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

/** A node, as far as things go wrong with it. */
export interface Victim {
  readonly id: string;
  readonly isUp: boolean;
  readonly role: RoleName;
  readonly term: number;
  readonly configuration: Configuration;
  crash(): void;
  restart(): void;
  pause(ms: number, isDeaf: boolean): void;
  /** Keeps the state and so many log entries before it. */
  flush(trailing: number): void;
  handOver(to: string): void;
  reconfigure(next: Configuration): void;
}

export interface Victims<V extends Victim> {
  readonly world: Surroundings;
  readonly nodes: ReadonlyMap<string, V>;
  readonly network: SimulatedNetwork;
  mend(): void;
}

/** A fault of one kind of cluster: strikes a node for so many milliseconds. */
export type OwnStrikes<V> = Readonly<Record<string, (victim: V, ms: number) => void>>;

export class Nemesis<V extends Victim> {
  readonly #cluster: Victims<V>;
  readonly #draw: Draw;
  readonly #own: OwnStrikes<V>;
  #isOver = false;

  constructor(cluster: Victims<V>, readonly strikes: readonly string[], own: OwnStrikes<V> = {}) {
    this.#cluster = cluster;
    this.#draw = cluster.world.draw;
    this.#own = own;
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
  #victim(): V {
    const nodes = [...this.#cluster.nodes.values()];
    const leaders = nodes.filter(({ isUp, role }) => isUp && role === "leader");
    return this.#pick(leaders.length > 0 && this.#draw(2) === 0 ? leaders : nodes);
  }

  #strike(strike: string): void {
    const victim = this.#victim();
    const ms = 100 + this.#draw(STRIKE_MS);
    const own = this.#own[strike];
    if (own !== undefined) return own(victim, ms);
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

  #oneWay({ id }: Victim, ms: number): void {
    const outwards = this.#draw(2) === 0;
    this.#cluster.world.tell(`nothing gets ${outwards ? "out of" : "into"} ${id}`);
    const others = [...this.#cluster.nodes.keys()].filter((other) => other !== id);
    this.#cut(others.map((other) => outwards ? `${id}>${other}` : `${other}>${id}`), ms);
  }

  #flap(victim: Victim, times: number): void {
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
    for (const { id, isUp, role, term } of this.#cluster.nodes.values()) {
      if (!isUp || role !== "leader" || done.has(term)) continue;
      done.add(term);
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
    const leaders = [...nodes.values()].filter(({ isUp, role }) => isUp && role === "leader");
    const [newest] = leaders.sort((a, b) => b.term - a.term);
    if (newest === undefined) return this.#after(10, () => this.#oustLeaders(times));
    network.cuts.clear();
    const { id } = newest;
    const others = [...nodes.keys()].filter((other) => other !== id);
    world.tell(`${id} is ousted`);
    for (const other of others) network.cuts.add(`${id}>${other}`).add(`${other}>${id}`);
    const { term } = newest;
    const isNext = () =>
      [...nodes.values()].some((node) => node.role === "leader" && node.term > term);
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
  #reconfigure(victim: V): void {
    if (!victim.isUp || victim.role !== "leader") return;
    const { members } = victim.configuration;
    const learners = members.filter(({ voter }) => !voter).map((member) => member.id);
    const all = [...this.#cluster.nodes.keys()];
    const id = this.#pick(learners.length > 0 && this.#draw(2) === 0 ? learners : all);
    const known = members.find((member) => member.id === id);
    const others = members.filter((member) => member.id !== id);
    if (known?.voter === true && others.filter(({ voter }) => voter).length < 2) return;
    const next: Configuration = known?.voter === true
      ? { members: others }
      : { members: [...others, { id, address: "", voter: known !== undefined }] };
    victim.reconfigure(next);
  }
}
