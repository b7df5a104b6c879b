/**
 * One seed, one run: a cluster of 3, 5 or 7 with a random subset of the faults, on virtual time.
 * Raft's promises are checked whenever a node has done something, the clients' history at the end.
 */
import { fromUtf8 } from "../../base/bytes.ts";
import { seeded } from "../testing.ts";
import { Coverage } from "./coverage.ts";
import { lasting, Nemesis, someOf, striking } from "./nemesis.ts";
import { BrokenPromise, Promises } from "./promises.ts";
import { stepQuietly } from "./quiet.ts";
import { SimulatedCluster } from "./simulated_cluster.ts";
import { VirtualTime } from "./virtual_time.ts";
import type { Plant, World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  readonly plant?: Plant;
  /** Told what happens, with the time in milliseconds in front. */
  readonly tell?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  /** What went wrong; undefined where nothing did. */
  readonly failure: Error | undefined;
  readonly coverage: Coverage;
  /** Milliseconds of virtual time. */
  readonly simulatedMs: number;
  /** Entries that were committed. */
  readonly committed: number;
}

/** Milliseconds of virtual time in which things go wrong, and then to recover. */
const TROUBLE_MS = 20_000;
const RECOVERY_MS = 12_000;
/** Of the recovery, with disks still slow: what only slowness shows is not hidden by the rest. */
const SLOW_MS = 5000;
const RUN_MS = TROUBLE_MS + RECOVERY_MS + 2000;

export async function simulate({ seed, plant, tell }: RunOptions): Promise<RunResult> {
  const draw = seeded(seed);
  const time = new VirtualTime();
  const promises = new Promises();
  const coverage = new Coverage();
  let failure: Error | undefined;
  const world: World = {
    time,
    draw,
    promises,
    coverage,
    plant,
    tell: (line) => tell?.(`${time.now.toFixed(0).padStart(6)}  ${line}`),
    fail: (error) => {
      failure ??= error;
    },
  };
  const shape = {
    voters: [3, 3, 5, 7][draw(4)] ?? 3,
    spare: draw(3),
    faults: new Set(someOf(draw, lasting)),
  };
  const strikes = plant?.strikes ?? someOf(draw, striking);
  world.tell(`${shape.voters} voters, ${shape.spare} spare: ${[...shape.faults, ...strikes]}`);
  const cluster = new SimulatedCluster(world, shape);
  const nemesis = new Nemesis(cluster, strikes);
  nemesis.start();
  time.after(TROUBLE_MS, () => nemesis.stop());
  time.after(TROUBLE_MS + SLOW_MS, () => cluster.mendDisks());
  time.after(TROUBLE_MS + RECOVERY_MS, () => cluster.readAll());
  try {
    await stepQuietly(() => failure === undefined && time.now < RUN_MS && time.next());
    if (failure === undefined) judge(cluster);
  } catch (error) {
    // A node that can't start with what is on its disk is a finding too.
    failure = error instanceof Error ? error : new Error(String(error));
  }
  if (failure !== undefined) world.tell(`FAILED: ${failure.message}`);
  const committed = promises.committed.length;
  return { seed, failure, coverage, simulatedMs: time.now, committed };
}

/** After everything is mended there is one leader and one log, and the clients were not lied to. */
function judge({ nodes, history, acknowledged, world }: SimulatedCluster): void {
  const wrong = history.violation();
  if (wrong !== undefined) throw new BrokenPromise(`linearizability: ${wrong}`);
  const committed = new Set(world.promises.committed.map(({ payload }) => fromUtf8(payload)));
  const lost = acknowledged.find((text) => !committed.has(text));
  if (lost !== undefined) throw new BrokenPromise(`the acknowledged write ${lost} is lost`);
  const [leader, ...others] = [...nodes.values()].filter(({ raft }) => raft.role === "leader");
  if (leader === undefined || others.length > 0) {
    throw new BrokenPromise(`${others.length + (leader ? 1 : 0)} leaders after recovery`);
  }
  const { raft } = leader;
  for (const { id } of raft.configuration.members) {
    const behind = raft.commitIndex - (nodes.get(id)?.driver.appliedIndex ?? 0);
    if (behind > 20) throw new BrokenPromise(`${id} is ${behind} entries behind after recovery`);
  }
}
