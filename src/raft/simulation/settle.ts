/** Lets virtual time pass until some work of a run has ended. */
import { BrokenPromise } from "./promises.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** Longer than anything takes that ends. */
const LONGEST_MS = 20_000;

/**
 * Until some work has ended, or the run is over; `pass` lets time pass until it is told to stop.
 * Throws what the work throws.
 */
export async function settle(
  time: VirtualTime,
  pass: (until: () => boolean) => Promise<void>,
  work: Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  work.then(end, end);
  const latest = time.now + LONGEST_MS;
  await pass(() => isDone || isOver() || time.now >= latest);
  if (!isDone && !isOver()) throw new BrokenPromise("what proves the state does not end");
  await work;
}
