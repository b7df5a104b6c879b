/** A state file that is rewritten is whole, whenever the process ends or the power goes. */
import { strict as assert } from "node:assert";
import { systemRandom } from "../../base/clock.ts";
import { silentLogger } from "../../base/log.ts";
import { openRaftStorage, type RaftStorage } from "../mod.ts";
import { seeded } from "../testing.ts";
import { processDisk } from "./process_disk.ts";
import { SimulatedFiles } from "./simulated_files.ts";
import { Process, VirtualTime } from "./virtual_time.ts";

/** Of each written byte, so that what is gone is worth a rewrite. */
const WASTE = 60;

interface Run {
  readonly files: SimulatedFiles;
  readonly waste: number;
  readonly seed: number;
  /** The process ends when the disk has been asked so many times; 0 for not. */
  readonly operations?: number;
}

/** Runs a process until its work is done or the disk ends it. Returns whether it was done. */
async function run(
  { files, waste, seed, operations = 0 }: Run,
  work: (storage: RaftStorage) => Promise<void>,
): Promise<boolean> {
  const draw = seeded(seed);
  const time = new VirtualTime();
  const process = new Process(time, 1);
  const crash = () => {
    process.isAlive = false;
  };
  const disk = processDisk({
    files,
    process,
    draw,
    syncMs: () => 1 + draw(9),
    readMs: () => 0,
    waste,
    crash,
    removed: () => {},
    plant: undefined,
  });
  let isDone = false;
  let failure: unknown;
  const opening = openRaftStorage({
    path: "/a",
    clock: process,
    random: systemRandom,
    log: silentLogger,
    disk,
    turn: () => Promise.resolve(),
    readTurn: () => Promise.resolve(),
    onFatal: (error) => failure = error,
  });
  opening.then(async (storage) => {
    files.crashIn = operations;
    await work(storage);
    isDone = true;
  }).catch((error: unknown) => failure = error);
  for (let step = 0; step < 10_000 && !isDone && process.isAlive; step++) {
    for (let turn = 0; turn < 200 && !isDone && failure === undefined; turn++) await null;
    if (failure !== undefined) throw failure;
    if (!isDone) time.next();
  }
  assert.ok(isDone || !process.isAlive, "it stands still");
  process.isAlive = false;
  return isDone;
}

const keys = Array.from({ length: 60 }, (_, i) => `k/${10 + i}`);

function valueOf(i: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(i % 10 === 0 ? 70_000 : 200).fill(i);
}

async function fill(storage: RaftStorage): Promise<void> {
  await storage.write(keys.map((key, i) => ({ key, value: valueOf(i + 1) })));
  await storage.flush();
  await storage.write(keys.map((key, i) => ({ key, value: i % 5 === 0 ? valueOf(i) : null })));
  await storage.flush();
}

async function holdsAll(storage: RaftStorage): Promise<void> {
  for (const [i, key] of keys.entries()) {
    assert.deepEqual(await storage.get(key), i % 5 === 0 ? valueOf(i) : undefined);
  }
  assert.deepEqual((await storage.scrub({ pauseMs: 0 })).damages, []);
}

for (const isPowerCut of [false, true]) {
  const when = isPowerCut ? "the power goes" : "the process ends";
  Deno.test(`nothing is lost where ${when} at any moment of a rewrite`, async () => {
    let moments = 0;
    for (let operations = 1, isDone = false; !isDone; operations++) {
      for (const seed of [1, 2, 3]) {
        const files = new SimulatedFiles();
        await run({ files, waste: 1, seed }, fill);
        files.crash(seeded(seed), isPowerCut);
        isDone = await run({ files, waste: WASTE, seed, operations }, async (storage) => {
          await storage.compact();
          assert.equal((await storage.stats()).rewrites, 1);
        });
        files.crash(seeded(seed), isPowerCut);
        assert.ok(await run({ files, waste: 1, seed }, holdsAll), `after ${operations} operations`);
        assert.equal(files.names("/a").filter((name) => name.startsWith("state-")).length, 1);
      }
      moments = operations;
    }
    assert.ok(moments > 15, `${moments} moments`);
  });
}
