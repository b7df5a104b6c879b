import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

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

/** A turn in which nobody else did anything takes less. */
const idleTurnMs = 0.1;

/** For long work in the background: shares the event loop with what is asked of the process. */
export class FairTurns {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #turn: () => Promise<void>;
  #since: number;

  constructor(clock: Pick<Clock, "monotonic">, turn: () => Promise<void> = eventLoopTurn) {
    this.#clock = clock;
    this.#turn = turn;
    this.#since = clock.monotonic();
  }

  /**
   * To be called between slices of work: gives the others as much time as has gone by since the last
   * call, if they want it, and one turn at least. Time that was spent waiting counts as well.
   */
  async giveWay(): Promise<void> {
    const most = this.#clock.monotonic() - this.#since;
    const start = this.#clock.monotonic();
    for (let at = start; at - start <= most;) {
      await this.#turn();
      const now = this.#clock.monotonic();
      if (now - at < idleTurnMs) break;
      at = now;
    }
    this.#since = this.#clock.monotonic();
  }
}
