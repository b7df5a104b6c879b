/** Many deadlines for one price of a set entry each and a timer for all. */
import type { Clock } from "./clock.ts";

interface Waiting {
  readonly time: number;
  readonly late: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #lookEveryMs: number;
  readonly #waiting = new Set<Waiting>();
  #armed = false;

  /** `lookEveryMs`: how much later than its time somebody may be told. */
  constructor(clock: Clock, lookEveryMs = 500) {
    this.#clock = clock;
    this.#lookEveryMs = lookEveryMs;
  }

  /** Calls `late` once, `timeoutMs` from now or somewhat later, unless it is called off. */
  add(timeoutMs: number, late: () => void): () => void {
    const waiting = { time: this.#clock.monotonic() + timeoutMs, late };
    this.#waiting.add(waiting);
    if (!this.#armed) this.#arm();
    return () => this.#waiting.delete(waiting);
  }

  #arm(): void {
    this.#armed = true;
    this.#clock.after(this.#lookEveryMs, () => {
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
