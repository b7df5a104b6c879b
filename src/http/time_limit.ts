/** The longest time a request may take, for one price of a map entry a request and a timer for all. */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { failureResponse } from "./write_response.ts";

/** How much later than its limit a request may be answered. */
const lookEveryMs = 500;

interface Waiting {
  readonly deadline: number;
  readonly answer: (response: Response) => void;
}

/** Answers 503 in place of what has not answered in time. The work itself goes on unheard. */
export class TimeLimit {
  /** 0 for no limit. Holds for requests that come from now on. */
  limitMs: number;
  readonly #clock: Clock;
  /** In the order of their coming. */
  readonly #waiting = new Set<Waiting>();
  #armed = false;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.limitMs = limitMs;
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  /** `work` must not reject. */
  run(work: Promise<Response>): Promise<Response> {
    const { limitMs } = this;
    return new Promise((resolve) => {
      const deadline = limitMs > 0 ? this.#clock.monotonic() + limitMs : Number.POSITIVE_INFINITY;
      const waiting = { deadline, answer: resolve };
      this.#waiting.add(waiting);
      if (!this.#armed) this.#arm();
      work.then((response) => {
        this.#waiting.delete(waiting);
        resolve(response);
      });
    });
  }

  #arm(): void {
    this.#armed = true;
    this.#clock.after(lookEveryMs, () => {
      this.#armed = false;
      const now = this.#clock.monotonic();
      for (const waiting of this.#waiting) {
        if (waiting.deadline > now) continue;
        this.#waiting.delete(waiting);
        waiting.answer(failureResponse(new Failure(503, "the request took too long")));
      }
      if (this.#waiting.size > 0) this.#arm();
    });
  }
}
