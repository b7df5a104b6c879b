/** Makes the automated snapshots when their time has come, one after another, on the active node. */
import { backOffMs } from "../../base/back_off.ts";
import type { Cancel, Clock } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Logger } from "../../base/log.ts";
import type { Transactions, View } from "../../storage/transaction.ts";
import { ageText } from "./age.ts";
import { snapshotName } from "./file_name.ts";
import type { Ran, SnapshotSource } from "./run.ts";
import type { SnapshotSettings } from "./settings.ts";
import { freshState, listSettings, readSettings, readState } from "./store.ts";
import { saveState, type SnapshotState } from "./store.ts";
import type { SnapshotTarget } from "./target.ts";

/** After a failure; doubled with each, up to the longest, never longer than the interval. */
const retries = { firstMs: 10_000, longestMs: 15 * 60_000 };
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;

/** Names of broken-off attempts that are remembered, the newest. */
const PENDING_MAX = 20;

export interface ScheduleParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly transactions: Transactions;
  readonly source: SnapshotSource;
  target(settings: SnapshotSettings): Promise<SnapshotTarget>;
  /** Told of each attempt, for what is measured. `ran` is undefined for one that failed. */
  observe(name: string, saveMs: number, ran: Ran | undefined): void;
  /** Told of each that was made and verified. Throws once `signal` is aborted, and for nothing else. */
  made(made: Made, signal: AbortSignal): Promise<void>;
}

/** A snapshot that has just been verified. */
export interface Made {
  readonly name: string;
  readonly settings: SnapshotSettings;
  readonly target: SnapshotTarget;
  readonly file: string;
}

/** An attempt that has not ended. */
export interface Running {
  readonly name: string;
  readonly start: number;
  readonly url: string;
}

/** One that is to be made now. */
interface Due {
  readonly settings: SnapshotSettings;
  readonly state: SnapshotState;
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly start: number;
}

export function retryDelayMs(failures: number, intervalSeconds: number): number {
  return Math.min(backOffMs(failures, retries), intervalSeconds * 1000);
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
      next = clock.now() + retries.firstMs;
    }
    return next;
  }

  async #runIfDue(name: string): Promise<number> {
    const { transactions } = this.parts;
    const due = await transactions.run((t) => this.#begin(t, name));
    if (typeof due === "number") return due;
    const { after, made } = await this.#attempt(name, due);
    this.#abort.signal.throwIfAborted();
    const next = await transactions.run(async (t) => {
      // Who removed or changed the settings meanwhile has the last word.
      const now = await readState(t, name);
      if (now === undefined) return Infinity;
      const isAsPlanned = now.nextStart === due.state.nextStart;
      const nextStart = isAsPlanned ? after.nextStart : now.nextStart;
      saveState(t, name, { ...after, nextStart });
      return nextStart;
    });
    // What comes after it must not delay that it is noted.
    if (made !== undefined) await this.parts.made(made, this.#abort.signal);
    return next;
  }

  /** When it is due, where that is later; else what to do, noted for whoever must end it. */
  async #begin(view: View, name: string): Promise<number | Due> {
    const now = this.parts.clock.now();
    const settings = await readSettings(view, name);
    if (settings === undefined) return Infinity;
    const state = await readState(view, name) ?? freshState(now);
    if (state.nextStart > now) return state.nextStart;
    const file = snapshotName(settings.file_prefix, now);
    const begun = { ...state, pending: [...state.pending, file].slice(-PENDING_MAX) };
    saveState(view, name, begun);
    return { settings, state: begun, file, start: now };
  }

  /** The state after it, whichever way it went. */
  async #attempt(
    name: string,
    due: Due,
  ): Promise<{ readonly after: SnapshotState; readonly made?: Made }> {
    const { clock, log } = this.parts;
    const began = clock.monotonic();
    const { signal } = this.#abort;
    try {
      const { target, url, ran } = await this.#make(name, due);
      this.parts.observe(name, clock.monotonic() - began - ran.rotateMs, ran);
      log.info("a snapshot was made and verified", { name, url, bytes: ran.bytes });
      if (ran.rotateError !== "") log.warn(ran.rotateError, { name });
      const made = { name, settings: due.settings, target, file: due.file };
      return { after: succeeded(due, clock.now(), url, ran), made };
    } catch (error) {
      signal.throwIfAborted();
      this.parts.observe(name, clock.monotonic() - began, undefined);
      const reason = describeError(error);
      log.error("an automated snapshot failed; it is tried again", {
        name,
        error: reason,
        last_good: ageText(due.state.lastSuccess, clock.now()),
      });
      return { after: failed(due, clock.now(), reason) };
    } finally {
      this.#running = undefined;
    }
  }

  async #make(
    name: string,
    { settings, state, file, start }: Due,
  ): Promise<{ readonly target: SnapshotTarget; readonly url: string; readonly ran: Ran }> {
    // Not loaded before it is needed: a node starts faster without.
    const { runSnapshot } = await import("./run.ts");
    const { signal } = this.#abort;
    const target = await this.parts.target(settings);
    const url = target.url(file);
    this.#running = { name, start, url };
    // What was broken off between its upload and its verification must not count as kept.
    for (const left of state.pending) if (left !== file) await target.remove(left, signal);
    const monotonic = () => this.parts.clock.monotonic();
    const ran = await runSnapshot(settings, target, file, this.parts.source, { signal, monotonic });
    return { target, url, ran };
  }
}

function succeeded({ settings, state, start }: Due, end: number, url: string, ran: Ran) {
  return {
    ...state,
    lastStart: start,
    lastEnd: end,
    lastSuccess: end,
    nextStart: Math.max(start + settings.interval * 1000, end),
    lastUrl: url,
    lastError: ran.rotateError,
    failures: 0,
    lastBytes: ran.bytes,
    totalBytes: ran.totalBytes,
    pending: [],
  };
}

function failed({ settings, state, start }: Due, end: number, reason: string): SnapshotState {
  const failures = state.failures + 1;
  return {
    ...state,
    lastStart: start,
    lastEnd: end,
    nextStart: end + retryDelayMs(failures, settings.interval),
    lastError: reason,
    failures,
  };
}
