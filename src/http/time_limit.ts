/** The longest time a request may take. */
import type { Clock } from "../base/clock.ts";
import { Deadlines } from "../base/deadlines.ts";
import { Failure } from "../base/failure.ts";
import { failureResponse } from "./write_response.ts";

/** Answers 503 in place of what has not answered in time. The work itself goes on unheard. */
export class TimeLimit {
  /** 0 for no limit. Holds for requests that come from now on. */
  limitMs: number;
  readonly #deadlines: Deadlines;
  #inFlight = 0;

  constructor(clock: Clock, limitMs: number) {
    this.#deadlines = new Deadlines(clock);
    this.limitMs = limitMs;
  }

  /** Requests that have not been answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * What `work` answers, or what `refused` makes of its rejection, which must not throw. Where it is
   * `endless` it may take its time, and is only counted.
   */
  run(
    work: Promise<Response>,
    refused: (error: unknown) => Response,
    endless = false,
  ): Promise<Response> {
    return new Promise((resolve) => {
      let isAnswered = false;
      const answer = (response: Response) => {
        if (isAnswered) return;
        isAnswered = true;
        this.#inFlight--;
        resolve(response);
      };
      this.#inFlight++;
      const callOff = this.limitMs > 0 && !endless
        ? this.#deadlines.add(this.limitMs, () => answer(tooLong()))
        : undefined;
      const ended = (response: Response) => {
        callOff?.();
        answer(response);
      };
      work.then(ended, (error) => ended(refused(error)));
    });
  }
}

function tooLong(): Response {
  const headers = { "retry-after": "5" };
  return failureResponse(new Failure(503, "the request took too long", { headers }));
}
