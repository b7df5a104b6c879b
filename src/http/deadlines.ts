/** Many deadlines for one price of a set entry each and a timer for all. */
import type { Clock } from "../base/clock.ts";

/** How much later than its time somebody may be told. */
const lookEveryMs = 500;

interface Waiting {
  readonly time: number;
  readonly late: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `late` once, `timeoutMs` from now or up to half a second later, unless it is called off. */
  add(timeoutMs: number, late: () => void): () => void {
    const waiting = { time: this.#clock.monotonic() + timeoutMs, late };
    this.#waiting.add(waiting);
    if (!this.#armed) this.#arm();
    return () => this.#waiting.delete(waiting);
  }

  #arm(): void {
    this.#armed = true;
    this.#clock.after(lookEveryMs, () => {
      this.#armed = false;
      const now = this.#clock.monotonic();
      for (const waiting of this.#waiting) {
        if (waiting.time > now) continue;
        this.#waiting.delete(waiting);
        waiting.late();
      }
      if (this.#waiting.size > 0) this.#arm();
    });
  }
}
