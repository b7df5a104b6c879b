/** A credential that ends, and is asked for again before it does. */
import type { Clock } from "../../../base/clock.ts";

export interface Ending<T> {
  readonly value: T;
  /** Milliseconds since the epoch; `Infinity` for what does not end. */
  readonly until: number;
}

/** Milliseconds before its end in which a credential is not used any more: a part's upload takes that. */
export const reserveMs = 5 * 60_000;

export class Renewed<T> {
  #last: Ending<T> | undefined;

  constructor(
    readonly clock: Clock,
    readonly obtain: (signal: AbortSignal) => Promise<Ending<T>>,
  ) {}

  /** One that is still good for a while, or the newest that is to be had. */
  async value(signal: AbortSignal): Promise<T> {
    const last = this.#last;
    if (last !== undefined && this.clock.now() < last.until - reserveMs) return last.value;
    this.#last = await this.obtain(signal);
    return this.#last.value;
  }
}
