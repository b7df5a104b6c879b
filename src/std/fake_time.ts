/** `FakeTime` of `@std/testing/time`: Date and timers that move only when a test says so. */

interface Timer {
  readonly id: number;
  readonly repeatMs: number | undefined;
  readonly task: () => void;
  due: number;
}

const REPLACED = [
  "Date",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
] as const;

/** Real ones, also while a fake is installed. */
const real = { Date, setTimeout: globalThis.setTimeout.bind(globalThis) };

let installed: FakeTime | undefined;

export class FakeTime {
  readonly start: number;
  #now: number;
  #lastId = 0;
  readonly #timers = new Map<number, Timer>();
  readonly #before = new Map<string, unknown>();

  /** Installs itself. Throws where another fake is installed. */
  constructor(start?: number | string | Date) {
    if (installed !== undefined) throw new TypeError("time is faked already");
    this.start = start === undefined ? real.Date.now() : new real.Date(start).getTime();
    this.#now = this.start;
    for (const name of REPLACED) this.#before.set(name, Reflect.get(globalThis, name));
    Reflect.set(globalThis, "Date", this.#fakeDate());
    Reflect.set(globalThis, "setTimeout", this.#scheduler(false));
    Reflect.set(globalThis, "setInterval", this.#scheduler(true));
    const clear = (id?: number) => void (id === undefined || this.#timers.delete(id));
    Reflect.set(globalThis, "clearTimeout", clear);
    Reflect.set(globalThis, "clearInterval", clear);
    installed = this;
  }

  /** Gives real time back. */
  static restore(): void {
    if (installed === undefined) throw new TypeError("time is not faked");
    installed.restore();
  }

  /** Milliseconds since 1970. Setting it runs what falls due. */
  get now(): number {
    return this.#now;
  }

  set now(value: number) {
    this.#moveTo(value);
  }

  /** Moves on and runs what falls due. */
  tick(ms = 0): void {
    this.#moveTo(this.#now + ms);
  }

  /** The same, and lets promises settle before and after. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.tick(ms);
    await this.runMicrotasks();
  }

  /** Moves to the next timer and runs it; false where there is none. */
  next(): boolean {
    const timer = this.#nextTimer();
    if (timer !== undefined) this.#moveTo(Math.max(timer.due, this.#now));
    return timer !== undefined;
  }

  /** The same, and lets promises settle before and after. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    const ran = this.next();
    await this.runMicrotasks();
    return ran;
  }

  /** Runs timers until none is left. */
  runAll(): void {
    while (this.next());
  }

  /** The same, and lets promises settle in between. */
  async runAllAsync(): Promise<void> {
    while (await this.nextAsync());
  }

  /** Lets promises settle. */
  runMicrotasks(): Promise<void> {
    return new Promise((resolve) => real.setTimeout(resolve, 0));
  }

  /** Waits, in fake time. */
  delay(ms: number): Promise<void> {
    return new Promise((resolve) => globalThis.setTimeout(() => resolve(), ms));
  }

  /** Gives real time back; timers that wait are dropped. */
  restore(): void {
    if (installed !== this) throw new TypeError("time is not faked by this");
    for (const [name, value] of this.#before) Reflect.set(globalThis, name, value);
    this.#timers.clear();
    installed = undefined;
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #fakeDate(): DateConstructor {
    const now = () => this.#now;
    return new Proxy(real.Date, {
      construct: (target, args, newTarget) =>
        Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
      apply: () => new real.Date(now()).toString(),
      get: (target, name, receiver) => name === "now" ? now : Reflect.get(target, name, receiver),
    });
  }

  #scheduler(repeats: boolean) {
    return (task: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): number => {
      const id = ++this.#lastId;
      const delay = Math.max(0, Number(ms) || 0);
      const repeatMs = repeats ? Math.max(1, delay) : undefined;
      const due = this.#now + (repeatMs ?? delay);
      this.#timers.set(id, { id, repeatMs, task: () => task(...args), due });
      return id;
    };
  }

  #nextTimer(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (first === undefined || timer.due < first.due) first = timer;
    }
    return first;
  }

  #moveTo(target: number): void {
    if (target < this.#now) throw new RangeError("time does not go back");
    for (let timer = this.#nextTimer(); timer !== undefined; timer = this.#nextTimer()) {
      if (timer.due > target) break;
      this.#now = Math.max(this.#now, timer.due);
      if (timer.repeatMs === undefined) this.#timers.delete(timer.id);
      else timer.due += timer.repeatMs;
      timer.task();
    }
    this.#now = target;
  }
}
