/** Makes the automated snapshots when their time has come, one after another, on the active node. */
import type { Cancel, Clock } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Logger } from "../../base/log.ts";
import type { Transactions } from "../../storage/transaction.ts";
import { ageText } from "./age.ts";
import { snapshotName } from "./file_name.ts";
import type { Ran, SnapshotSource } from "./run.ts";
import type { SnapshotSettings } from "./settings.ts";
import { freshState, listSettings, readSettings, readState } from "./store.ts";
import { saveState, type SnapshotState } from "./store.ts";
import type { SnapshotTarget } from "./target.ts";

/** After a failure; doubled with each, up to the longest, never longer than the interval. */
const firstRetryMs = 10_000;
const longestRetryMs = 15 * 60_000;
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;

export interface ScheduleParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly transactions: Transactions;
  readonly source: SnapshotSource;
  target(settings: SnapshotSettings): Promise<SnapshotTarget>;
  /** Told of each attempt, for what is measured. `ran` is undefined for one that failed. */
  observe(name: string, saveMs: number, ran: Ran | undefined): void;
}

/** An attempt that has not ended. */
export interface Running {
  readonly name: string;
  readonly start: number;
  readonly url: string;
}

export function retryDelayMs(failures: number, intervalSeconds: number): number {
  const doubled = firstRetryMs * 2 ** Math.min(failures - 1, 20);
  return Math.min(doubled, longestRetryMs, intervalSeconds * 1000);
}

export class SnapshotSchedule {
  readonly #abort = new AbortController();
  #cancel: Cancel = () => {};
  #working: Promise<void> | undefined;
  #askedAgain = false;
  #running: Running | undefined;

  constructor(readonly parts: ScheduleParts) {}

  get running(): Running | undefined {
    return this.#running;
  }

  /** Looks now for what is due, and from then on by itself. */
  nudge(): void {
    this.#cancel();
    if (this.#abort.signal.aborted) return;
    this.#askedAgain = this.#working !== undefined;
    if (this.#working !== undefined) return;
    this.#working = this.#work().then((next) => {
      this.#working = undefined;
      if (this.#askedAgain) this.nudge();
      else this.#sleepUntil(next);
    });
  }

  /** An attempt under way is broken off; the next leader makes it. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error("the node is not active any more"));
    this.#cancel();
    await this.#working;
  }

  #sleepUntil(time: number): void {
    if (this.#abort.signal.aborted) return;
    const { clock } = this.parts;
    const wait = Math.min(longestSleepMs, Math.max(0, time - clock.now()));
    this.#cancel = clock.after(wait, () => this.nudge());
  }

  /** When to look again. */
  async #work(): Promise<number> {
    const { clock, transactions, log } = this.parts;
    let next = clock.now() + longestSleepMs;
    try {
      for (const name of await transactions.run((t) => listSettings(t))) {
        next = Math.min(next, await this.#runIfDue(name));
      }
    } catch (error) {
      if (this.#abort.signal.aborted) return next;
      log.error("automated snapshots could not be looked after", { error: describeError(error) });
      next = clock.now() + firstRetryMs;
    }
    return next;
  }

  async #runIfDue(name: string): Promise<number> {
    const { clock, transactions } = this.parts;
    const found = await transactions.run(async (t) => ({
      settings: await readSettings(t, name),
      state: await readState(t, name),
    }));
    const { settings, state = freshState(clock.now()) } = found;
    if (settings === undefined) return Infinity;
    if (state.nextStart > clock.now()) return state.nextStart;
    const after = await this.#attempt(name, settings, state);
    this.#abort.signal.throwIfAborted();
    return await transactions.run(async (t) => {
      // Who removed or changed the settings meanwhile has the last word.
      const now = await readState(t, name);
      if (now === undefined) return Infinity;
      const nextStart = now.nextStart === state.nextStart ? after.nextStart : now.nextStart;
      saveState(t, name, { ...after, nextStart });
      return nextStart;
    });
  }

  /** The state after it, whichever way it went. */
  async #attempt(
    name: string,
    settings: SnapshotSettings,
    state: SnapshotState,
  ): Promise<SnapshotState> {
    const { clock, log } = this.parts;
    const start = clock.now();
    const began = clock.monotonic();
    const file = snapshotName(settings.file_prefix, start);
    const { signal } = this.#abort;
    try {
      // Not loaded before it is needed: a node starts faster without.
      const { runSnapshot } = await import("./run.ts");
      const target = await this.parts.target(settings);
      const url = target.url(file);
      this.#running = { name, start, url };
      const monotonic = () => clock.monotonic();
      const ran = await runSnapshot(settings, target, file, this.parts.source, {
        signal,
        monotonic,
      });
      this.parts.observe(name, clock.monotonic() - began - ran.rotateMs, ran);
      log.info("a snapshot was made and verified", { name, url, bytes: ran.bytes });
      if (ran.rotateError !== "") log.warn(ran.rotateError, { name });
      return succeeded(state, { start, end: clock.now(), url, ran }, settings);
    } catch (error) {
      signal.throwIfAborted();
      this.parts.observe(name, clock.monotonic() - began, undefined);
      const reason = describeError(error);
      log.error("an automated snapshot failed; it is tried again", {
        name,
        error: reason,
        last_good: ageText(state.lastSuccess, clock.now()),
      });
      return failed(state, { start, end: clock.now(), reason }, settings);
    } finally {
      this.#running = undefined;
    }
  }
}

function succeeded(
  state: SnapshotState,
  { start, end, url, ran }: { start: number; end: number; url: string; ran: Ran },
  { interval }: SnapshotSettings,
): SnapshotState {
  return {
    ...state,
    lastStart: start,
    lastEnd: end,
    lastSuccess: end,
    nextStart: Math.max(start + interval * 1000, end),
    lastUrl: url,
    lastError: ran.rotateError,
    failures: 0,
    lastBytes: ran.bytes,
    totalBytes: ran.totalBytes,
  };
}

function failed(
  state: SnapshotState,
  { start, end, reason }: { start: number; end: number; reason: string },
  { interval }: SnapshotSettings,
): SnapshotState {
  const failures = state.failures + 1;
  return {
    ...state,
    lastStart: start,
    lastEnd: end,
    nextStart: end + retryDelayMs(failures, interval),
    lastError: reason,
    failures,
  };
}
