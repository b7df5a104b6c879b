/** Damage in the log is named once, and leadership is left for it once. */
import { strict as assert } from "node:assert";
import { silentLogger } from "../base/log.ts";
import { CorruptionError } from "./errors.ts";
import { LogDamage } from "./log_damage.ts";

function watched(answers: readonly (boolean | Error)[]) {
  const logged: string[] = [], asked: string[] = [];
  const damage = new LogDamage({
    log: {
      ...silentLogger,
      error: (_, fields) => logged.push(`${fields?.damage} for ${fields?.peer}`),
      warn: (message) => logged.push(message),
    },
    handOver: (lacking) => {
      const answer = answers[asked.push(lacking) - 1] ?? false;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  const meet = async (what: string, peer: string) => {
    damage.met(new CorruptionError(what), peer);
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { damage, meet, logged, asked };
}

Deno.test("damage is named once, and leadership is left as soon as there is somebody", async () => {
  const { damage, meet, logged, asked } = watched([false, new Error("no quorum"), true]);
  const told: string[] = [];
  damage.onFound(({ message }) => told.push(message));
  for (let time = 0; time < 5; time++) await meet("entry 7 is damaged", "b");
  assert.deepEqual(told, ["entry 7 is damaged"]);
  assert.deepEqual(asked, ["b", "b", "b"], "nobody is asked again once it is done");
  assert.deepEqual(logged, [
    "entry 7 is damaged for b",
    "leadership stays in spite of damage in the log",
    "leadership was handed over because of damage in the log",
  ]);
});

Deno.test("other damage is named too, and left for by itself", async () => {
  const { meet, logged, asked } = watched([true, true]);
  await meet("entry 7 is damaged", "b");
  await meet("entry 9 is damaged", "c");
  assert.deepEqual(asked, ["b", "c"]);
  assert.equal(logged.filter((line) => line.startsWith("entry")).length, 2);
});
