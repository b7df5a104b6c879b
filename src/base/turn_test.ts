import { assert, assertEquals } from "@std/assert";
import { FairTurns } from "./turn.ts";

/** A clock, and a turn in which others work for so long. */
function machine(othersMs: () => number) {
  let now = 0;
  let turns = 0;
  const clock = { monotonic: () => now };
  const turn = () => {
    turns++;
    now += othersMs();
    return Promise.resolve();
  };
  return { clock, turn, work: (ms: number) => now += ms, turns: () => turns, now: () => now };
}

Deno.test("where nobody else wants the time one turn is all that is given", async () => {
  const { clock, turn, work, turns } = machine(() => 0.01);
  const fair = new FairTurns(clock, turn);
  for (let i = 0; i < 10; i++) {
    work(50);
    await fair.giveWay();
  }
  assertEquals(turns(), 10);
});

Deno.test("others that always want it get half of the time", async () => {
  const { clock, turn, work, now } = machine(() => 0.4);
  const fair = new FairTurns(clock, turn);
  let own = 0;
  for (let i = 0; i < 100; i++) {
    work(2);
    own += 2;
    await fair.giveWay();
  }
  const share = own / now();
  assert(share > 0.45 && share < 0.55, `${share}`);
});

Deno.test("others that are done sooner are not waited for", async () => {
  let left = 1;
  const { clock, turn, work, now } = machine(() => left-- > 0 ? 0.4 : 0);
  const fair = new FairTurns(clock, turn);
  work(100);
  await fair.giveWay();
  assert(now() < 101, `${now()}`);
});
