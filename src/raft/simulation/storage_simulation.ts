/**
 * One seed, one run of a cluster with its files: the real storage, from the disk up, under faults of
 * disks, networks, clocks and processes.
 */
import { toHex } from "../../base/bytes.ts";
import { StorageError } from "../errors.ts";
import { seeded } from "../testing.ts";
import { Coverage } from "./coverage.ts";
import { lasting, Nemesis, someOf } from "./nemesis.ts";
import { BrokenPromise } from "./promises.ts";
import { stepQuietly, Turns } from "./quiet.ts";
import { settle } from "./settle.ts";
import type { DiskPlant } from "./simulated_files.ts";
import type { RunResult } from "./simulation.ts";
import { storageStrikes, StoredCluster } from "./stored_cluster.ts";
import { VirtualTime } from "./virtual_time.ts";
import type { Surroundings } from "./world.ts";

export interface StorageRunOptions {
  readonly seed: number;
  readonly plant?: DiskPlant;
  /** Of the faults that need no files, those that are left out though the seed draws them. */
  readonly without?: readonly string[];
  /** Told what happens, with the time in milliseconds in front. */
  readonly tell?: (line: string) => void;
}

/** What strikes besides, of the faults that need no files. */
const plainStrikes = [
  "partition",
  "one-way partition",
  "crash",
  "power cut",
  "pause",
  "membership",
  "compaction",
  "transfer",
] as const;

const FORMING_MS = 5000;
const TROUBLE_MS = FORMING_MS + 15_000;
/** Of the recovery, with disks still slow. */
const SLOW_MS = TROUBLE_MS + 4000;
const REST_MS = SLOW_MS + 5000;
const READ_MS = REST_MS + 1500;
const RUN_MS = READ_MS + 1500;

export async function simulateStorage(options: StorageRunOptions): Promise<RunResult> {
  const { seed, plant, tell, without = [] } = options;
  const draw = seeded(seed);
  const time = new VirtualTime();
  const coverage = new Coverage();
  let failure: Error | undefined;
  const world: Surroundings = {
    time,
    draw,
    coverage,
    tell: (line) => tell?.(`${time.now.toFixed(0).padStart(6)}  ${line}`),
    fail: (error) => {
      failure ??= error;
    },
  };
  const faults = new Set(someOf(draw, lasting));
  const own: readonly string[] = plant?.strikes ?? someOf(draw, storageStrikes);
  const plain = someOf(draw, plainStrikes).filter((each) => !without.includes(each));
  const strikes = [...plain, ...own];
  const rots = ["rotten row", "torn file"].some((each) => own.includes(each)) &&
    plain.includes("membership");
  const voters = [3, 3, 3, 5][draw(4)] ?? 3;
  // With others to come in, who else is there can leave too.
  const spares = rots ? draw(3) : 0;
  world.tell(`${voters} voters, ${spares} spare nodes: ${[...faults, ...strikes]}`);
  const turns = new Turns();
  const cluster = new StoredCluster(world, { voters, spares, rots, faults, plant, turns });
  const nemesis = new Nemesis(cluster, strikes, cluster.strikes);
  cluster.form();
  time.after(FORMING_MS, () => nemesis.start());
  time.after(TROUBLE_MS, () => nemesis.stop());
  time.after(SLOW_MS, () => cluster.mendDisks());
  time.after(REST_MS, () => cluster.rest());
  time.after(READ_MS, () => cluster.readAll());
  const isOver = () => failure !== undefined;
  try {
    await stepQuietly(() => !isOver() && time.now < RUN_MS && time.next(), turns);
    const pass = (until: () => boolean) => stepQuietly(() => !until() && time.next(), turns);
    if (!isOver()) await settle(time, pass, judge(cluster), isOver);
  } catch (error) {
    failure ??= error instanceof Error ? error : new Error(String(error));
  }
  if (failure !== undefined) world.tell(`FAILED: ${failure.message}`);
  const commits = [...cluster.nodes.values()].map(({ storage }) => storage?.commitIndex ?? 0);
  for (const node of cluster.nodes.values()) node.process.isAlive = false;
  return { seed, failure, coverage, simulatedMs: time.now, committed: Math.max(...commits) };
}

/** After everything is mended there is one leader and one state, whole, and nobody was lied to. */
async function judge({ nodes, history, acknowledged, tokens, promises }: StoredCluster) {
  const wrong = history.violation();
  if (wrong !== undefined) throw new BrokenPromise(`linearizability: ${wrong}`);
  const all = [...nodes.values()];
  const leaders = all.filter(({ isUp, role }) => isUp && role === "leader");
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) {
    throw new BrokenPromise(`${leaders.length} leaders after recovery`);
  }
  const members = new Set(leader.configuration.members.map(({ id }) => id));
  for (const node of all.filter(({ id }) => members.has(id))) {
    const { storage, id } = node;
    if (storage === undefined) throw new BrokenPromise(`${id} is not up after recovery`);
    const behind = (leader.storage?.commitIndex ?? 0) - storage.appliedIndex;
    if (behind > 0) throw new BrokenPromise(`${id} is ${behind} entries behind after recovery`);
    if (tokens.replacedAt < Infinity) {
      for (const { key } of acknowledged) {
        if (await storage.get(key) !== undefined) continue;
        throw new BrokenPromise(`the acknowledged write of ${key} is lost at ${id}`);
      }
    }
    const { index, hash } = await storage.stateHash();
    promises.state(id, index, toHex(hash));
    const { damages: [damage], isComplete } = await storage.scrub({ pauseMs: 0 });
    if (damage !== undefined) throw damage;
    if (!isComplete) throw new StorageError(`the files of ${id} could not be looked through`);
  }
}
