/** A token bucket in front of requests: VAULT_RATE_LIMIT. */
import { type Clock, sleep } from "../../base/clock.ts";

export class Throttle {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #available: number;
  #at: number;

  constructor(limit: { perSecond: number; burst: number }, clock: Clock) {
    this.#clock = clock;
    this.#perSecond = limit.perSecond;
    this.#burst = limit.burst;
    this.#available = limit.burst;
    this.#at = clock.monotonic();
  }

  /** Resolves when the next request may go. */
  async pass(): Promise<void> {
    const now = this.#clock.monotonic();
    const earned = (now - this.#at) / 1000 * this.#perSecond;
    this.#available = Math.min(this.#burst, this.#available + earned) - 1;
    this.#at = now;
    if (this.#available < 0) {
      await sleep(this.#clock, -this.#available / this.#perSecond * 1000);
    }
  }
}
