/**
 * Takes leased secrets back at their engines, beside everything else. What has come due stands in
 * storage by its target, whoever must be told, in the order it is tried. Targets don't wait for each
 * other: of one that does not answer, one lease at a time is tried, ever less often, never not at all.
 */
import { backOffMs } from "../base/back_off.ts";
import { type Cancel, type Clock, waitAtMost } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { Slots } from "../base/slots.ts";
import type { LeaseEntry } from "../lease/entry.ts";
import type { LeaseStore } from "../lease/store.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import type { ExpiryMetrics } from "./expiry_metrics.ts";
import { TargetUnavailable } from "./target_unavailable.ts";

/** Revocations at a time: in all, at one target, and at those that did not answer before. */
const slotsInAll = 64;
const slotsPerTarget = 4;
const probeSlots = 8;
/** Leases of one target read in one go. */
const pageSize = 128;
/** Between tries of a target that does not answer: doubled, never further apart than the last. */
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/** With a pause this long, all that wait are listed as irrevocable. */
const outagePauseMs = 8_000;
/** Retries of one lease that its target refuses: doubled, up to the last. */
const retries = { firstMs: 10_000, longestMs: 3_600_000 };
/** What is under way when the node seals may take this long; it is done again after that. */
const stopMs = 5_000;

/** Why a lease is listed that has been taken back. */
export const mayComeLate =
  "taken back, and looked for again: the node that was active before may have been making it still";

/** Why a secret could not be revoked. */
export interface RevocationFailure {
  readonly error: string;
  /** Nobody answered: another secret of the same target would fail as well. */
  readonly isSilent: boolean;
}

/**
 * Revokes a leased secret at its engine. Throws `TargetUnavailable` where nobody answers. Resolves with
 * the milliseconds after which that is to be done once more, or undefined.
 */
export type SecretRevoker = (lease: LeaseEntry) => Promise<number | undefined>;

interface Target {
  readonly name: string;
  /** 0 while it answers. */
  pauseMs: number;
  /** More may have come since its leases were last read. */
  again: boolean;
  /** How far its leases have been listed as irrevocable. */
  listedTo: string | undefined;
}

export interface SecretEndingParts {
  readonly transactions: Transactions;
  readonly leases: LeaseStore;
  readonly revoke: SecretRevoker;
  /** On whom the end of a lease depends; without a "/". */
  readonly targetOf: (lease: LeaseEntry) => string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ExpiryMetrics;
  readonly times: OperationTimes;
}

export class SecretEnding {
  readonly #targets = new Map<string, Target>();
  readonly #running = new Set<Promise<void>>();
  readonly #attempts = new Map<string, Promise<RevocationFailure | undefined>>();
  readonly #pauses = new Set<() => void>();
  readonly #slots = new Slots(slotsInAll);
  readonly #probes = new Slots(probeSlots);
  #resumed = false;
  #stopped = false;

  constructor(readonly parts: SecretEndingParts) {}

  /** Takes over a secret that is due; the target to nudge after the commit. */
  take(transaction: Transaction, lease: LeaseEntry): string {
    const ending = this.parts.targetOf(lease);
    this.parts.leases.put(transaction, { ...lease, ending }, lease);
    return ending;
  }

  /** Ends a secret whose time is not over: from the commit on it is none, whatever clocks show. */
  endEarly(transaction: Transaction, lease: LeaseEntry): void {
    if (lease.ending !== undefined) return;
    const { leases, clock, targetOf } = this.parts;
    const ending = targetOf(lease);
    leases.put(transaction, { ...lease, expireTime: clock.now(), ending }, lease);
    transaction.afterCommit(() => this.nudge(ending));
  }

  /** Takes back what has no lease any more, and is there all the same: it gets one that has ended. */
  endAnew(transaction: Transaction, lease: LeaseEntry): void {
    const { leases, clock, targetOf } = this.parts;
    const ending = targetOf(lease);
    leases.put(transaction, { ...lease, expireTime: clock.now(), ending });
    transaction.afterCommit(() => this.nudge(ending));
  }

  /** Goes on with what a restart has interrupted. */
  async resume(): Promise<void> {
    if (this.#resumed) return;
    const { transactions, leases } = this.parts;
    const targets = await transactions.run((transaction) => leases.endingTargets(transaction));
    this.#resumed = true;
    for (const target of targets) this.nudge(target);
  }

  /** There may be more to end at this target. */
  nudge(name: string): void {
    const present = this.#targets.get(name);
    if (present !== undefined) present.again = true;
    if (present !== undefined || this.#stopped) return;
    const target: Target = { name, pauseMs: 0, again: true, listedTo: undefined };
    this.#targets.set(name, target);
    const work = this.#work(target).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Begins nothing more, and waits a moment for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#pauses) end();
    await waitAtMost(this.parts.clock, stopMs, Promise.all(this.#running));
  }

  /**
   * Revokes a secret at once, whatever became of its target before. Why that failed, where it did:
   * that is kept with the lease too, and it is tried again.
   */
  async endNow(lease: LeaseEntry): Promise<RevocationFailure | undefined> {
    const underWay = this.#attempts.get(lease.id);
    if (underWay !== undefined) {
      const failure = await underWay;
      // One that began before may have met what is over by now, a connection of before for instance.
      if (failure === undefined || failure.isSilent) return failure;
    }
    return await this.#end(lease);
  }

  async #work(target: Target): Promise<void> {
    while (target.again && !this.#stopped) {
      target.again = false;
      try {
        await this.#drain(target);
      } catch (error) {
        if (this.#stopped) return;
        const { log } = this.parts;
        log.error("ending secrets failed; trying again", { error: describeError(error) });
        target.again = true;
        await this.#pause(retries.firstMs);
      }
    }
    this.#targets.delete(target.name);
  }

  async #drain(target: Target): Promise<void> {
    const { transactions, leases } = this.parts;
    while (!this.#stopped) {
      const isProbe = target.pauseMs > 0;
      if (isProbe) await this.#pause(target.pauseMs);
      const limit = isProbe ? 1 : pageSize;
      const page = await transactions.run((t) => leases.endingAt(t, target.name, limit));
      if (page.leases.length === 0) return;
      const failure = await this.#endPage(page.leases, isProbe ? this.#probes : this.#slots);
      if (failure === undefined) this.#answers(target);
      else await this.#doesNotAnswer(target, failure);
    }
  }

  /** Why the target did not answer, if it did not: then the rest of the page is left alone. */
  async #endPage(page: readonly LeaseEntry[], slots: Slots): Promise<string | undefined> {
    const left = [...page];
    let failure: string | undefined;
    const work = async (): Promise<void> => {
      for (;;) {
        const lease = left.shift();
        if (lease === undefined) return;
        await slots.take(async () => {
          if (failure === undefined && !this.#stopped) {
            const failed = await this.#end(lease);
            if (failed?.isSilent) failure = failed.error;
          }
        });
      }
    };
    await Promise.all(Array.from({ length: slotsPerTarget }, work));
    return failure;
  }

  #answers(target: Target): void {
    if (target.pauseMs > 0) this.parts.log.info("a target answers again", { target: target.name });
    target.pauseMs = 0;
    target.listedTo = undefined;
  }

  async #doesNotAnswer(target: Target, error: string): Promise<void> {
    target.pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, target.pauseMs * 2));
    const { name, pauseMs } = target;
    this.parts.log.warn("secrets could not be revoked: no answer", {
      target: name,
      error,
      pauseMs,
    });
    if (pauseMs >= outagePauseMs) await this.#listAll(target, error);
  }

  /** Lists what waits for a target as irrevocable, also those that were not tried themselves. */
  async #listAll(target: Target, error: string): Promise<void> {
    const { transactions, leases, clock } = this.parts;
    while (!this.#stopped) {
      const last = await transactions.run(async (transaction) => {
        const page = await leases.endingAt(transaction, target.name, pageSize, target.listedTo);
        for (const lease of page.leases) {
          if (lease.failure !== undefined) continue;
          const failure = { attempts: 0, error, since: clock.now() };
          leases.put(transaction, { ...lease, failure }, lease);
        }
        return page.last;
      });
      if (last === undefined) return;
      target.listedTo = last;
    }
  }

  /** One attempt at a time for a lease; who asks meanwhile shares it. */
  #end(lease: LeaseEntry): Promise<RevocationFailure | undefined> {
    const underWay = this.#attempts.get(lease.id);
    if (underWay !== undefined) return underWay;
    const attempt = this.#attempt(lease).finally(() => this.#attempts.delete(lease.id));
    this.#attempts.set(lease.id, attempt);
    return attempt;
  }

  async #attempt(lease: LeaseEntry): Promise<RevocationFailure | undefined> {
    const { transactions, leases, revoke, metrics, times, clock } = this.parts;
    let failure: { readonly error: unknown } | undefined;
    let againMs: number | undefined;
    try {
      againMs = await times.during("expire.revoke", () => revoke(lease));
    } catch (error) {
      failure = { error };
    }
    await transactions.run(async (transaction) => {
      const current = await leases.get(transaction, lease.id);
      if (current === undefined) return;
      if (againMs !== undefined) this.#lookAgain(transaction, current, againMs);
      else if (failure === undefined) leases.remove(transaction, current);
      else this.#postpone(transaction, current, failure.error);
    });
    const isDue = lease.ending !== undefined;
    if (failure === undefined) {
      if (isDue && againMs === undefined) metrics.ended(lease, clock.now());
      return undefined;
    }
    if (isDue) metrics.failed();
    const { error } = failure;
    return { error: describeError(error), isSilent: error instanceof TargetUnavailable };
  }

  /** It is over, and stays listed until it has been ended once more. */
  #lookAgain(transaction: Transaction, lease: LeaseEntry, afterMs: number): void {
    const { leases, clock } = this.parts;
    const now = clock.now();
    const { ending: _, ...due } = lease;
    const failure = { attempts: 0, error: mayComeLate, since: lease.failure?.since ?? now };
    leases.put(transaction, { ...due, failure, expireTime: now + afterMs }, lease);
  }

  /** Behind the others of its target, where that does not answer; else by a retry of its own. */
  #postpone(transaction: Transaction, lease: LeaseEntry, reason: unknown): void {
    const { leases, clock, log } = this.parts;
    const attempts = (lease.failure?.attempts ?? 0) + 1;
    const now = clock.now();
    const error = describeError(reason);
    const failure = { attempts, error, since: lease.failure?.since ?? now };
    if (lease.ending !== undefined && reason instanceof TargetUnavailable) {
      leases.put(transaction, { ...lease, failure, expireTime: now }, lease);
      return;
    }
    const { ending: _, ...due } = lease;
    const wait = backOffMs(attempts, retries);
    log.warn("a lease could not be revoked", { lease: lease.id, attempts, error });
    leases.put(transaction, { ...due, failure, expireTime: now + wait }, lease);
  }

  /** Ends early when the node seals. */
  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let cancel: Cancel = () => {};
    const end = () => {
      cancel();
      this.#pauses.delete(end);
      resolve();
    };
    this.#pauses.add(end);
    cancel = this.parts.clock.after(milliseconds, end);
    return promise;
  }
}
