/**
 * `deno task simulate --seed N` replays a run of the simulator and tells its story; without a seed
 * fresh ones are run for `--seconds N` (20) and printed.
 */
import { parseArgs } from "node:util";
import { simulate } from "../src/raft/simulation/simulation.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, seconds: { type: "string", default: "20" } },
});

async function replay(seed: number): Promise<boolean> {
  const { failure, committed, simulatedMs } = await simulate({ seed, tell: console.log });
  const seconds = (simulatedMs / 1000).toFixed(0);
  console.log(`seed ${seed}: ${failure?.message ?? "well"}, ${committed} entries, ${seconds} s`);
  return failure === undefined;
}

async function runFresh(seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  const failed: number[] = [];
  let seed = first, simulatedMs = 0;
  for (; performance.now() < end; seed++) {
    const result = await simulate({ seed });
    simulatedMs += result.simulatedMs;
    if (result.failure === undefined) continue;
    failed.push(seed);
    console.log(`seed ${seed}: ${result.failure.message}`);
  }
  const hours = (simulatedMs / 3_600_000).toFixed(2);
  console.log(`seeds ${first} to ${seed - 1}: ${hours} cluster-hours, ${failed.length} failed`);
  return failed.length === 0;
}

const isGood = values.seed === undefined
  ? await runFresh(Number(values.seconds))
  : await replay(Number(values.seed));
Deno.exit(isGood ? 0 : 1);
