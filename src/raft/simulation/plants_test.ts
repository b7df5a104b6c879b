/** Every planted fault is found by the simulator within so many seeds. */
import { strict as assert } from "node:assert";
import { plants } from "./plants.ts";
import { simulate } from "./simulation.ts";

const SEEDS_MAX = 300;

for (const plant of plants) {
  Deno.test(`the simulator finds: ${plant.name}`, async () => {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const { failure } = await simulate({ seed, plant });
      if (failure === undefined) continue;
      console.log(`seed ${seed}: ${failure.message}`);
      return;
    }
    assert.fail(`${SEEDS_MAX} seeds did not find it`);
  });
}
