/**
 * `deno task simulate --seed N` replays a run of the simulator and tells its story; without a seed
 * fresh ones are run for `--seconds N` (20) and printed. With `--storage` the clusters have their
 * files, and more goes wrong with disks; with `--tokens` each node is a whole one, and clients have
 * tokens and leases.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { simulate } from "../src/raft/simulation/simulation.ts";
import { simulateStorage } from "../src/raft/simulation/storage_simulation.ts";
import { simulateTokens } from "../tests/simulation/token_simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string", default: "20" },
    from: { type: "string" },
    storage: { type: "boolean", default: false },
    tokens: { type: "boolean", default: false },
  },
});
const run = values.tokens ? simulateTokens : values.storage ? simulateStorage : simulate;

async function replay(seed: number): Promise<boolean> {
  const { failure, committed, simulatedMs } = await run({ seed, tell: console.log });
  const seconds = (simulatedMs / 1000).toFixed(0);
  console.log(`seed ${seed}: ${failure?.message ?? "well"}, ${committed} entries, ${seconds} s`);
  if (failure !== undefined) console.log(failure.stack);
  return failure === undefined;
}

async function runFresh(seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  const first = values.from === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1
    : Number(values.from);
  const failed: number[] = [];
  let seed = first, simulatedMs = 0;
  for (; performance.now() < end; seed++) {
    const result = await run({ seed });
    simulatedMs += result.simulatedMs;
    if (result.failure === undefined) continue;
    failed.push(seed);
    console.log(`seed ${seed}: ${result.failure.message}`);
  }
  const hours = simulatedMs / 3_600_000;
  const { user, system } = process.cpuUsage();
  const perHour = hours / ((user + system) / 3.6e9);
  console.log(
    `seeds ${first} to ${seed - 1}: ${hours.toFixed(2)} cluster-hours, ${failed.length} failed; ` +
      `${perHour.toFixed(0)} cluster-hours in an hour of one core`,
  );
  return failed.length === 0;
}

const isGood = values.seed === undefined
  ? await runFresh(Number(values.seconds))
  : await replay(Number(values.seed));
Deno.exit(isGood ? 0 : 1);
