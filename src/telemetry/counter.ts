/** Something that is counted. Adding is all that the hot path does. */
import { Interval, type IntervalFacts } from "./interval.ts";

export class Counter {
  /** Since the start of the process. */
  total = 0;
  readonly #interval = new Interval();
  /** Of the last whole interval. */
  last: IntervalFacts = this.#interval.facts();

  add(amount = 1): void {
    this.total += amount;
    this.#interval.add(amount);
  }

  /** Closes an interval. */
  turn(): void {
    this.last = this.#interval.facts();
    this.#interval.clear();
  }
}
