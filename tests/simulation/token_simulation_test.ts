/**
 * Tokens and leases keep what they promise whatever fails, and each fault that is planted in their
 * stores is found. And the generators reach what they are there to reach.
 */
import { strict as assert } from "node:assert";
import { Coverage } from "../../src/raft/simulation/coverage.ts";
import { failedTokenSeeds } from "./failed_seeds.ts";
import { type TokenMark, tokenMarks } from "./marks.ts";
import { tokenPlants } from "./plants.ts";
import { simulateTokens } from "./token_simulation.ts";

const isLong = Deno.env.get("HOLDFAST_SLOW") === "1";
const FRESH_MS = isLong ? 60_000 : 2000;
/** What they reach changes with what the program does when. */
const FIXED_SEEDS = isLong ? Array.from({ length: 60 }, (_, i) => i + 1) : [1001, 1018, 1028, 1042];
/** For what they miss: so many more at most. */
const MORE_SEEDS_MAX = 40;
/** Runs in which nothing large happens. */
const REPLAYED_SEED = 7;
const PLANT_SEEDS_MAX = 60;

async function keepsPromises(seed: number) {
  const result = await simulateTokens({ seed });
  const cause = result.failure;
  if (cause !== undefined) {
    throw new Error(`${cause.message}: deno task simulate --tokens --seed ${seed}`, { cause });
  }
  return result;
}

Deno.test("tokens and leases end when they are ended and not before, and every fault is reached", async () => {
  const marks = new Coverage<TokenMark>();
  for (const seed of FIXED_SEEDS) marks.add((await keepsPromises(seed)).marks);
  for (let more = 1; more <= MORE_SEEDS_MAX && marks.missing(tokenMarks).length > 0; more++) {
    marks.add((await keepsPromises(2000 + more)).marks);
  }
  assert.deepEqual(marks.missing(tokenMarks), [], "what the generators no longer reach");
});

Deno.test("tokens: seeds that once failed do so no more", async () => {
  for (const { seed } of failedTokenSeeds) {
    if (!FIXED_SEEDS.includes(seed)) await keepsPromises(seed);
  }
});

Deno.test("tokens: fresh seeds fail neither", async () => {
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  const end = performance.now() + FRESH_MS;
  let seed = first, simulatedMs = 0;
  for (; performance.now() < end; seed++) simulatedMs += (await keepsPromises(seed)).simulatedMs;
  const hours = (simulatedMs / 3_600_000).toFixed(2);
  console.log(`simulated seeds ${first} to ${seed - 1} with tokens, ${hours} cluster-hours`);
});

Deno.test("tokens: a seed is replayed exactly", async () => {
  const [one, other]: string[][] = [[], []];
  for (const lines of [one, other]) {
    await simulateTokens({ seed: REPLAYED_SEED, tell: (line) => lines?.push(line) });
  }
  assert.ok(one !== undefined && one.length > 100);
  assert.deepEqual(one, other);
});

for (const plant of tokenPlants) {
  Deno.test(`the simulator finds: ${plant.name}`, async () => {
    for (let seed = 1; seed <= PLANT_SEEDS_MAX; seed++) {
      const { failure } = await simulateTokens({ seed, plant });
      if (failure === undefined) continue;
      console.log(`seed ${seed}: ${failure.message}`);
      return;
    }
    assert.fail(`${PLANT_SEEDS_MAX} seeds did not find it`);
  });
}
