/**
 * One seed, one run: a cluster of whole nodes whose clients make, use, renew and revoke tokens and
 * leases, under faults of disks, networks, clocks, processes and of the databases outside.
 */
import { seeded } from "../../src/raft/testing.ts";
import { Coverage } from "../../src/raft/simulation/coverage.ts";
import { lasting, Nemesis, someOf } from "../../src/raft/simulation/nemesis.ts";
import { type Passing, passTime } from "../../src/raft/simulation/passing_time.ts";
import { BrokenPromise } from "../../src/raft/simulation/promises.ts";
import { Turns } from "../../src/raft/simulation/quiet.ts";
import { settle } from "../../src/raft/simulation/settle.ts";
import { VirtualTime } from "../../src/raft/simulation/virtual_time.ts";
import type { Surroundings } from "../../src/raft/simulation/world.ts";
import { kindNames } from "./kind.ts";
import type { TokenMark } from "./marks.ts";
import type { TokenPlant } from "./plants.ts";
import { TokenCluster, tokenStrikes } from "./token_cluster.ts";

export interface TokenRunOptions {
  readonly seed: number;
  readonly plant?: TokenPlant;
  /** Told what happens, with the time in milliseconds in front. */
  readonly tell?: (line: string) => void;
}

export interface TokenRunResult {
  readonly seed: number;
  /** What went wrong; undefined where nothing did. */
  readonly failure: Error | undefined;
  readonly marks: Coverage<TokenMark>;
  /** Milliseconds of virtual time. */
  readonly simulatedMs: number;
  /** Entries that were committed. */
  readonly committed: number;
}

const plainStrikes = [
  "partition",
  "one-way partition",
  "swizzled partition",
  "crash",
  "power cut",
  "pause",
  "membership",
  "compaction",
  "transfer",
] as const;

const rotting: readonly string[] = ["rotten row", "torn file"];

const TROUBLE_MS = 15_000;
/** To recover, while clients go on. */
const RECOVERY_MS = 6000;
/** For the last answers, and then to look at everything. */
const REST_MS = 6000;
const LOOK_MS = 2000;
/** By which all clocks are set forward in the end: nothing lives longer. */
const FORWARD_MS = 200_000;
/** Until what has come due by then must have ended. */
const ENDING_MS = 240_000;
const ENDING_STEP_MS = 5000;

export async function simulateTokens(options: TokenRunOptions): Promise<TokenRunResult> {
  const { seed, plant, tell } = options;
  const draw = seeded(seed);
  const time = new VirtualTime(), turns = new Turns();
  const passing: Passing = { time, turns };
  let failure: Error | undefined;
  const world: Surroundings = {
    time,
    draw,
    coverage: new Coverage(),
    tell: (line) => tell?.(`${time.now.toFixed(0).padStart(6)}  ${line}`),
    fail: (error) => {
      failure ??= error;
    },
  };
  const faults = new Set(someOf(draw, lasting));
  const plain = someOf(draw, plainStrikes);
  const drawn: readonly string[] = plant?.strikes ?? someOf(draw, tokenStrikes);
  const changes = plain.includes("membership") || drawn.includes("membership");
  // Disks are wiped only where none rots.
  const own = changes && draw(2) === 0 ? drawn.filter((each) => !rotting.includes(each)) : drawn;
  const rots = changes && own.some((each) => rotting.includes(each));
  // It takes a leader, and of the nodes one that may come or go.
  const strikes = [...plain, ...own, ...(changes ? Array<string>(3).fill("membership") : [])];
  const spares = changes ? draw(3) : 0;
  const voters = [3, 3, 3, 5][draw(4)] ?? 3;
  const usesNewForms = draw(3) > 0;
  const kinds = plant?.kinds ?? someOf(draw, kindNames);
  const forms = usesNewForms ? ", new forms" : "";
  world.tell(`${voters} voters, ${spares} spare${forms}, ${kinds}: ${[...faults, ...strikes]}`);
  const shape = { voters, spares, rots, faults, plant, usesNewForms, turns, kinds };
  const cluster = new TokenCluster(world, shape);
  const isOver = () => failure !== undefined;
  try {
    await ended(passing, cluster.setUp(), isOver);
    await live(passing, cluster, strikes, isOver);
    if (!isOver()) await end(passing, cluster, isOver);
  } catch (error) {
    failure ??= error instanceof Error ? error : new Error(String(error));
  }
  if (failure !== undefined) world.tell(`FAILED: ${failure.message}`);
  const nodes = [...cluster.machines.nodes.values()];
  const commits = nodes.map(({ storage }) => storage?.commitIndex ?? 0);
  for (const node of nodes) node.process.isAlive = false;
  const { marks } = cluster;
  return { seed, failure, marks, simulatedMs: time.now, committed: Math.max(...commits) };
}

/** Clients work while everything goes wrong, and then while it is mended. */
async function live(
  passing: Passing,
  cluster: TokenCluster,
  strikes: readonly string[],
  isOver: () => boolean,
): Promise<void> {
  const { time } = passing;
  const { machines, clients } = cluster;
  const pass = async (ms: number) => {
    const until = time.now + ms;
    await passTime(passing, () => isOver() || time.now >= until);
  };
  const nemesis = new Nemesis(machines, strikes, { ...machines.diskStrikes, ...cluster.strikes });
  const look = () => {
    if (isOver()) return;
    cluster.noteMembers();
    cluster.checkDoubles().catch((error) => cluster.lookedInVain(error));
    cluster.checkEntities().catch((error) => cluster.lookedInVain(error));
    cluster.noteLookedFor().catch((error) => cluster.lookedInVain(error));
    time.after(LOOK_MS, look);
  };
  look();
  clients.start();
  nemesis.start();
  await pass(TROUBLE_MS);
  nemesis.stop();
  machines.mendDisks();
  cluster.mendOutside();
  await pass(RECOVERY_MS);
  clients.rest();
  await pass(REST_MS);
  if (!isOver()) cluster.lookAtAll();
  await pass(LOOK_MS);
}

/** When the time of everything is over nothing is left of it, in the cluster and outside. */
async function end(
  passing: Passing,
  cluster: TokenCluster,
  isOver: () => boolean,
): Promise<void> {
  const { time } = passing;
  cluster.world.tell("all clocks are set forward");
  cluster.setForward(FORWARD_MS);
  const latest = time.now + ENDING_MS;
  let left: string | undefined;
  do {
    const next = time.now + ENDING_STEP_MS;
    await passTime(passing, () => isOver() || time.now >= next);
    if (isOver()) return;
    await ended(
      passing,
      cluster.leftOver().then((found) => {
        left = found;
      }),
      isOver,
    );
  } while (left !== undefined && time.now < latest);
  if (left !== undefined) throw new BrokenPromise(`${left} belongs to nobody`);
}

function ended(passing: Passing, work: Promise<void>, isOver: () => boolean): Promise<void> {
  return settle(passing.time, (until) => passTime(passing, until), work, isOver);
}
