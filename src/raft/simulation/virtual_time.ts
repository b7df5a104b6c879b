/** Time that passes only when the simulator says so, and processes that live, stand still, or end. */
import type { Cancel, Clock } from "../../base/clock.ts";

interface Task {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** What is to happen, by time and then in the order in which it was asked for. */
export class VirtualTime {
  /** Milliseconds since the start. */
  now = 0;
  #order = 0;
  readonly #heap: Task[] = [];

  after(delayMs: number, run: () => void): Cancel {
    const task: Task = { at: this.now + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(task);
    return () => {
      task.run = undefined;
    };
  }

  /** Runs what is next; false where nothing is left. */
  next(): boolean {
    const task = this.#pop();
    if (task === undefined) return false;
    this.now = task.at;
    task.run?.();
    return true;
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = heap[up];
      if (above === undefined || isBefore(above, task)) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = task;
  }

  #pop(): Task | undefined {
    const heap = this.#heap;
    const first = heap[0], moved = heap.pop();
    if (first === undefined || moved === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      const left = heap[down], right = heap[down + 1];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) down += 1;
      const below = heap[down];
      if (below === undefined || isBefore(moved, below)) break;
      heap[at] = below;
      at = down;
    }
    heap[at] = moved;
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** One run of a node's program, from its start to its crash. Its clock may be fast or slow. */
export class Process implements Clock {
  isAlive = true;
  pausedUntil = 0;

  constructor(readonly time: VirtualTime, readonly rate: number) {}

  now(): number {
    return this.monotonic();
  }

  monotonic(): number {
    return this.time.now * this.rate;
  }

  after(delayMs: number, task: () => void): Cancel {
    return this.time.after(delayMs / this.rate, () => this.run(task));
  }

  /** Now, or when it runs again, or never. */
  run(task: () => void): void {
    if (!this.isAlive) return;
    const wait = this.pausedUntil - this.time.now;
    if (wait > 0) this.time.after(wait, () => this.run(task));
    else task();
  }
}
