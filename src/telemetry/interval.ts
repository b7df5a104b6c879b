/** What happened to a series in ten seconds, as the JSON form shows it. */
export interface IntervalFacts {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly stddev: number;
}

/** The interval that is being filled; `turn` closes it. */
export class Interval {
  #count = 0;
  #sum = 0;
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;

  add(value: number, times = 1): void {
    this.#count += times;
    this.#sum += value * times;
    this.#squares += value * value * times;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  facts(): IntervalFacts {
    const [count, sum] = [this.#count, this.#sum];
    if (count === 0) return { count: 0, sum: 0, min: 0, max: 0, stddev: 0 };
    const variance = count < 2 ? 0 : (count * this.#squares - sum * sum) / (count * (count - 1));
    return {
      count,
      sum,
      min: this.#min,
      max: this.#max,
      stddev: Math.sqrt(Math.max(0, variance)),
    };
  }

  /** Begins anew. */
  clear(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
  }
}
