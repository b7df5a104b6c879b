import { setImmediate } from "node:timers";

/**
 * Lets everything that is ready run first. Writers that were just answered get to ask again before
 * the next commit is put together, else commits of one and of all others would take turns; and what
 * works through a long list lets others in between.
 */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
