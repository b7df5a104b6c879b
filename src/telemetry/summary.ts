/** Durations in milliseconds: count and sum for ever, quantiles of the last half to whole minute. */
import { Histogram } from "./histogram.ts";
import { Interval, type IntervalFacts } from "./interval.ts";

export class Summary {
  count = 0;
  sum = 0;
  readonly #interval = new Interval();
  #histogram: Histogram | undefined;
  #latest = 0;
  last: IntervalFacts = this.#interval.facts();

  observe(ms: number): void {
    this.count++;
    this.sum += ms;
    this.#latest = ms;
    this.#interval.add(ms);
    // Made only for what happens at all: it is the large part of a series.
    (this.#histogram ??= new Histogram()).add(ms);
  }

  /** Counts one that was not measured; it is taken to have lasted as long as the last one. */
  guess(): void {
    this.count++;
    this.sum += this.#latest;
    this.#interval.add(this.#latest);
  }

  /** Closes an interval. */
  turn(endsGeneration: boolean): void {
    this.last = this.#interval.facts();
    this.#interval.clear();
    if (endsGeneration) this.#histogram?.turn();
  }

  /** Values at these shares (0 to 1); NaN where nothing happened lately. */
  quantiles(shares: readonly number[]): number[] {
    return this.#histogram?.quantiles(shares) ?? shares.map(() => NaN);
  }
}
