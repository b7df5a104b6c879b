/**
 * The simulator finds nothing in the program as it is: not with fixed seeds, not with those that
 * once failed, not with fresh ones. And its generators reach what they are there to reach.
 */
import { strict as assert } from "node:assert";
import { Coverage, marks } from "./coverage.ts";
import { failedSeeds } from "./failed_seeds.ts";
import { simulate } from "./simulation.ts";

const isLong = Deno.env.get("HOLDFAST_SLOW") === "1" || Deno.env.get("CI") !== undefined;
const FRESH_MS = isLong ? 20_000 : 3000;
const FIXED_SEEDS = 300;

async function keepsPromises(seed: number) {
  const result = await simulate({ seed });
  const cause = result.failure;
  if (cause !== undefined) {
    throw new Error(`${cause.message}: deno task simulate --seed ${seed}`, { cause });
  }
  return result;
}

Deno.test("what Raft promises holds under faults, and every fault and branch is reached", async () => {
  const coverage = new Coverage();
  for (let seed = 1; seed <= FIXED_SEEDS; seed++) {
    coverage.add((await keepsPromises(seed)).coverage);
  }
  assert.deepEqual(coverage.missing(marks), [], "what the generators no longer reach");
});

Deno.test("seeds that once failed do so no more", async () => {
  for (const { seed } of failedSeeds) await keepsPromises(seed);
});

Deno.test("fresh seeds fail neither", async () => {
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  const end = performance.now() + FRESH_MS;
  let seed = first, simulatedMs = 0;
  for (; performance.now() < end; seed++) simulatedMs += (await keepsPromises(seed)).simulatedMs;
  const hours = (simulatedMs / 3_600_000).toFixed(2);
  console.log(`simulated seeds ${first} to ${seed - 1}, ${hours} cluster-hours`);
  assert.ok(seed - first > 10, "too few seeds within the time");
});

Deno.test("a seed is replayed exactly", async () => {
  const [one, other]: string[][] = [[], []];
  for (const lines of [one, other]) {
    await simulate({ seed: 7, tell: (line) => lines?.push(line) });
  }
  assert.ok(one !== undefined && one.length > 20);
  assert.deepEqual(one, other);
});
