/** Lets a few through at a time and sends away who would wait too long. */
import { Failure } from "../../base/failure.ts";

/**
 * Bounds work that costs much: `width` at once, `queue` waiting. Who comes after that is told to
 * come back, so that a flood of logins takes neither all processors nor all memory.
 */
export class Turnstile {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly width: number, readonly queue: number) {}

  /** Runs `work` when there is room. Throws a 503 with Retry-After where too many wait. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.width) {
      if (this.#waiting.length >= this.queue) {
        throw new Failure(503, "too many logins at once", { headers: { "Retry-After": "1" } });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
