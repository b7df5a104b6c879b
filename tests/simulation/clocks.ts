/** The wall clocks of the machines: they drift with their processes, and jump. */
import type { Cancel, Clock } from "../../src/base/clock.ts";
import type { Process } from "../../src/raft/simulation/virtual_time.ts";

const EPOCH = Date.UTC(2026, 0, 1);

/** All that a clock has shown in some while, milliseconds since the epoch. */
export interface Span {
  low: number;
  high: number;
}

/** The clock of one machine, which outlives its processes. */
export class WallClock {
  #offset = 0;
  readonly #spans = new Set<Span>();
  /** The most that it has shown before it was set back. */
  #highest = 0;

  /** What it shows to a process. */
  now(process: Process): number {
    return EPOCH + process.monotonic() + this.#offset;
  }

  jump(process: Process, ms: number): void {
    const before = this.now(process);
    this.#offset += ms;
    this.#highest = Math.max(this.#highest, before);
    for (const span of this.#spans) widen(span, before, this.now(process));
  }

  /** The most that it has ever shown. */
  highest(process: Process): number {
    return Math.max(this.#highest, this.now(process));
  }

  /** Begins to note what it shows. */
  begin(process: Process): Span {
    const now = this.now(process);
    const span = { low: now, high: now };
    this.#spans.add(span);
    return span;
  }

  end(process: Process, span: Span): void {
    widen(span, this.now(process));
    this.#spans.delete(span);
  }

  /** For the programs of a process. */
  of(process: Process): Clock {
    return {
      now: () => this.now(process),
      monotonic: () => process.monotonic(),
      after: (delayMs, task): Cancel => process.after(delayMs, task),
    };
  }
}

/** What clocks without fault show. */
export function trueTime(virtualMs: number): number {
  return EPOCH + virtualMs;
}

function widen(span: Span, ...times: readonly number[]): void {
  span.low = Math.min(span.low, ...times);
  span.high = Math.max(span.high, ...times);
}
