/**
 * Lets virtual time pass for programs that wait for turns of the event loop by themselves, which is
 * slower than `quiet.ts`.
 */
import { setImmediate } from "node:timers";
import { BrokenPromise } from "./promises.ts";
import type { Turns } from "./quiet.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** Longer than anything takes that ends. */
const LONGEST_MS = 20_000;

export interface Passing {
  readonly time: VirtualTime;
  readonly turns: Turns;
}

/** Until that is so, or nothing is left to happen. */
export async function passTime({ time, turns }: Passing, until: () => boolean): Promise<void> {
  while (!until()) {
    const waiting = turns.take();
    if (!time.next()) return turns.putBack(waiting);
    await quiet();
    for (const goOn of waiting) goOn();
    if (waiting.length > 0) await quiet();
  }
}

/** Everything that follows without time passing has happened. */
function quiet(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Until some work has ended, or the run is over. Throws what the work throws. */
export async function settle(
  passing: Passing,
  work: Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  work.then(end, end);
  const { time } = passing;
  const latest = time.now + LONGEST_MS;
  await passTime(passing, () => isDone || isOver() || time.now >= latest);
  if (!isDone && !isOver()) throw new BrokenPromise("what proves the state does not end");
  await work;
}
