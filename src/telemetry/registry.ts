/**
 * Everything that is measured, by name. Counters and summaries are handed out once and then used
 * directly, so that measuring costs no look-up; gauges are read only when somebody asks.
 */
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { Counter } from "./counter.ts";
import { labelKey, type Labels, noLabels } from "./labels.ts";
import { Summary } from "./summary.ts";

/** Length of an interval of the JSON form. */
export const intervalMs = 10_000;
/** Intervals of a generation of the quantiles' window. */
const generation = 3;

export interface GaugeValue {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** Counted elsewhere: read like a gauge, shown as what it is. */
export type Total =
  | {
    readonly kind: "counter";
    readonly name: string;
    readonly labels: Labels;
    readonly value: number;
  }
  | {
    readonly kind: "summary";
    readonly name: string;
    readonly labels: Labels;
    readonly count: number;
    readonly sum: number;
  };

export interface Series<T> {
  readonly name: string;
  readonly labels: Labels;
  readonly value: T;
}

/** What a collector tells of. */
export interface Report {
  gauge(name: string, value: number | undefined, labels?: Labels): void;
  counter(name: string, value: number, labels?: Labels): void;
  summary(name: string, of: { readonly count: number; readonly sum: number }): void;
}

export type Collector = (report: Report) => void | Promise<void>;

export interface Collected {
  /** End of the last whole interval, milliseconds since the epoch. */
  readonly time: number;
  readonly gauges: readonly GaugeValue[];
  readonly totals: readonly Total[];
  readonly counters: readonly Series<Counter>[];
  readonly summaries: readonly Series<Summary>[];
}

export interface RegistryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Series that may exist; what comes beyond is measured together, unseen. */
  readonly maxSeries?: number;
}

export class Registry {
  readonly clock: Clock;
  readonly #log: Logger;
  readonly #maxSeries: number;
  readonly #counters = new Map<string, Series<Counter>>();
  readonly #summaries = new Map<string, Series<Summary>>();
  readonly #collectors = new Set<Collector>();
  readonly #overflow = { counter: new Counter(), summary: new Summary() };
  #turns = 0;
  #turnedAt: number;
  #cancel = () => {};

  constructor({ clock, log, maxSeries = 10_000 }: RegistryOptions) {
    this.clock = clock;
    this.#log = log;
    this.#maxSeries = maxSeries;
    this.#turnedAt = clock.now();
  }

  /** The counter of a name and labels; the same one each time. */
  counter(name: string, labels: Labels = noLabels): Counter {
    return this.#series(this.#counters, name, labels, () => new Counter()) ??
      this.#overflow.counter;
  }

  summary(name: string, labels: Labels = noLabels): Summary {
    return this.#series(this.#summaries, name, labels, () => new Summary()) ??
      this.#overflow.summary;
  }

  #series<T>(
    all: Map<string, Series<T>>,
    name: string,
    labels: Labels,
    make: () => T,
  ): T | undefined {
    const key = `${name}\x02${labelKey(labels)}`;
    const known = all.get(key);
    if (known !== undefined) return known.value;
    if (this.#counters.size + this.#summaries.size >= this.#maxSeries) return undefined;
    const value = make();
    all.set(key, { name, labels, value });
    return value;
  }

  /** Adds what is asked at each look. Returns what takes it away again. */
  collect(collector: Collector): () => void {
    this.#collectors.add(collector);
    return () => this.#collectors.delete(collector);
  }

  /** Closes intervals by itself from now on. */
  start(): void {
    this.#cancel = this.clock.after(intervalMs, () => {
      this.turn();
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** Closes an interval: what the JSON form shows is the last whole one. */
  turn(): void {
    const endsGeneration = ++this.#turns % generation === 0;
    this.#turnedAt = this.clock.now();
    for (const { value } of this.#counters.values()) value.turn();
    for (const { value } of this.#summaries.values()) value.turn(endsGeneration);
  }

  /** Everything as of now. A collector that fails is logged and leaves out its part. */
  async look(): Promise<Collected> {
    const gauges: GaugeValue[] = [];
    const totals: Total[] = [];
    const report: Report = {
      gauge: (name, value, labels = noLabels) => {
        if (value !== undefined) gauges.push({ name, labels, value });
      },
      counter: (name, value, labels = noLabels) =>
        totals.push({ kind: "counter", name, labels, value }),
      summary: (name, { count, sum }) =>
        totals.push({ kind: "summary", name, labels: noLabels, count, sum }),
    };
    for (const collector of this.#collectors) {
      try {
        await collector(report);
      } catch (error) {
        this.#log.warn("a part of the metrics can't be read", { error: describeError(error) });
      }
    }
    return {
      time: this.#turnedAt,
      gauges,
      totals,
      counters: [...this.#counters.values()],
      summaries: [...this.#summaries.values()],
    };
  }
}
