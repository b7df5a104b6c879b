/** All of what a small group can do, looked through; and proof that it would show a fault. */
import { strict as assert } from "node:assert";
import { Explorer } from "./exploration_testing.ts";
import type { Message } from "./messages.ts";

const TIME_MS = 30_000;

Deno.test("three nodes, two terms, three entries: no interleaving breaks a promise", () => {
  const found = new Explorer({ elections: 2, proposals: 1, restarts: 0, timeMs: TIME_MS })
    .explore();
  console.log(`${found.states} states`);
  assert.ok(found.isComplete, "not looked through in time");
  assert.ok(found.secondLeaders > 0 && found.commits > 0 && found.overwritten > 0);
});

Deno.test("three nodes, two terms, one restart at any point: no interleaving breaks a promise", () => {
  const found = new Explorer({ elections: 2, proposals: 0, restarts: 1, timeMs: TIME_MS })
    .explore();
  console.log(`${found.states} states`);
  assert.ok(found.isComplete, "not looked through in time");
});

const faults: Record<string, (message: Message) => Message> = {
  "votes are given twice": (message) => {
    return message.type === "voteReply" ? { ...message, granted: true } : message;
  },
  "a shorter log is voted for": (message) => {
    return message.type === "vote" ? { ...message, last: { index: 9, term: 9 } } : message;
  },
};

for (const [name, alter] of Object.entries(faults)) {
  Deno.test(`the exploration shows that ${name}`, () => {
    const bounds = { elections: 2, proposals: 0, restarts: 0, timeMs: TIME_MS, alter };
    assert.throws(() => new Explorer(bounds).explore());
  });
}
