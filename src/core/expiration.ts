/**
 * Ends what is due, soonest first. Wakes when the next lease ends; holds none in memory. Secrets, whose
 * end takes a word from outside, are left to `SecretEnding`: nothing here waits for them.
 */
import type { Awaitable } from "../base/awaitable.ts";
import { type Cancel, type Clock, sleep } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import { eventLoopTurn } from "../base/turn.ts";
import type { Logger } from "../base/log.ts";
import type { LeaseEntry } from "../lease/entry.ts";
import { type DueLease, dueTime, type LeaseStore } from "../lease/store.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import { type TokenEntry, tokenLeaseId, tokenOfLease } from "../token/entry.ts";
import type { TokenStore } from "../token/store.ts";
import { isStream, pauseAfter } from "./courtesy.ts";
import type { EndedToken, Revoker } from "./revoke.ts";
import type { ExpiryMetrics } from "./expiry_metrics.ts";
import type { SecretEnding } from "./secret_ending.ts";

/** Due leases that are found before any is ended, and those read in one go. */
const foundMax = 32_768;
const pageSize = 512;
/** Tokens ended in one transaction: what it writes fits one row of the log. */
const batchSize = 100;
/** Batches under way: while one waits for the disk the next one is put together. */
const lanes = 4;
const lookMs = 20;
const retryMs = 10_000;
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;

/** What a batch has come to. */
interface TakenOver {
  /** Whose secrets are to be ended. */
  readonly targets: ReadonlySet<string>;
  /** Tokens that are gone. */
  readonly tokens: readonly { readonly expireTime: number }[];
}

export class Expiration {
  #cancel: Cancel = () => {};
  #wakeAt = Infinity;
  /** The soonest end that was noticed while what is due is ended. */
  #noticed = Infinity;
  #stopped = false;
  #running: Promise<void> | undefined;
  /** Leases that were found due and are not ended yet. */
  #found = 0;
  /** A stream of requests came while the last batch was ended. */
  #isCourteous = false;

  constructor(
    readonly transactions: Transactions,
    readonly leases: LeaseStore,
    readonly tokens: TokenStore,
    readonly revoker: Revoker,
    readonly secrets: SecretEnding,
    readonly clock: Clock,
    readonly log: Logger,
    readonly metrics: ExpiryMetrics,
    /** How many requests have come so far. */
    readonly requests: () => number,
  ) {
    transactions.onChange((keys) => this.#notice(keys));
  }

  get found(): number {
    return this.#found;
  }

  start(): void {
    this.#sleepUntil(this.clock.now());
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Stops after the batch under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
    await this.secrets.stop();
  }

  /** A new or changed lease may end before the one that is waited for. */
  #notice(keys: readonly string[]): void {
    for (const key of keys) {
      if (!key.startsWith("sys/expire/time/")) continue;
      const due = Number(key.slice(16, 31));
      if (this.#running !== undefined) this.#noticed = Math.min(this.#noticed, due);
      else if (due < this.#wakeAt) this.#sleepUntil(due);
    }
  }

  #sleepUntil(time: number): void {
    if (this.#stopped) return;
    this.#cancel();
    const now = this.clock.now();
    this.#wakeAt = Math.min(time, now + longestSleepMs);
    this.#cancel = this.clock.after(Math.max(0, this.#wakeAt - now), () => this.#wake());
  }

  #wake(): void {
    this.#wakeAt = Infinity;
    if (this.#running !== undefined) return;
    this.#running = this.#work().then((next) => {
      this.#running = undefined;
      this.#sleepUntil(Math.min(next, this.#noticed));
    });
  }

  /** When to look again. */
  async #work(): Promise<number> {
    try {
      await this.secrets.resume();
      await this.revoker.finish();
      await this.#endDue();
      // What comes from here on may be too late to be seen: it is noticed.
      this.#noticed = Infinity;
      return await this.transactions.run((t) => this.leases.nextDue(t)) ?? Infinity;
    } catch (error) {
      if (this.#stopped) return Infinity;
      this.log.error("expiring leases failed; trying again", { error: describeError(error) });
      this.#noticed = Infinity;
      return this.clock.now() + retryMs;
    }
  }

  async #endDue(): Promise<void> {
    let after: string | undefined;
    while (!this.#stopped) {
      const { found, last } = await this.#findDue(after);
      if (found.length === 0) return;
      // All are due: in the order of their keys, neighbours on disk are read and changed together, and
      // the more there are the more are neighbours.
      found.sort((a, b) => a.id < b.id ? -1 : 1);
      let at = 0;
      this.#found = found.length;
      const lane = async (number: number) => {
        while (at < found.length && !this.#stopped) {
          if (number > 0 && this.#isCourteous) {
            await sleep(this.clock, lookMs);
            continue;
          }
          const batch = found.slice(at, at += batchSize);
          await this.#giveWay(() => this.#endBatch(batch));
          this.#found -= batch.length;
        }
      };
      try {
        await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
      } finally {
        this.#found = 0;
      }
      after = last;
    }
  }

  async #findDue(after: string | undefined): Promise<{ found: DueLease[]; last?: string }> {
    const found: DueLease[] = [];
    let last = after;
    while (found.length < foundMax && !this.#stopped) {
      const page = await this.#giveWay(() =>
        this.transactions.run((t) => this.leases.due(t, this.clock.now(), pageSize, last))
      );
      for (const lease of page.found) found.push(lease);
      if (page.last !== undefined) last = page.last;
      if (page.found.length < pageSize) break;
    }
    return last === undefined ? { found } : { found, last };
  }

  /** While many requests come, one batch at a time is ended, and most of the time is theirs. */
  async #giveWay<T>(work: () => Promise<T>): Promise<T> {
    const start = this.clock.monotonic();
    const before = this.requests();
    const done = await work();
    // Work that found all it reads in memory let nobody in: who came meanwhile shows only now.
    await eventLoopTurn();
    const came = this.requests() - before;
    this.#isCourteous = isStream(came);
    const pauseMs = pauseAfter(this.clock.monotonic() - start, came);
    if (pauseMs > 0) await sleep(this.clock, pauseMs);
    return done;
  }

  async #endBatch(found: readonly DueLease[]): Promise<void> {
    const { targets, tokens } = await this.#takeOver(found).catch((error) => {
      if (!this.#stopped) this.metrics.failed();
      throw error;
    });
    const now = this.clock.now();
    for (const lease of tokens) this.metrics.ended(lease, now);
    for (const target of targets) this.secrets.nudge(target);
    await this.revoker.finish();
  }

  /** Ends the tokens among what is due, and gives the secrets to those who end them. */
  #takeOver(found: readonly DueLease[]): Promise<TakenOver> {
    return this.transactions.run(async (transaction) => {
      const targets = new Set<string>();
      const tokens: { readonly expireTime: number }[] = [];
      const alone: EndedToken[] = [];
      for (const due of found) {
        const read = this.#tokenAlone(transaction, due);
        const entry = read instanceof Promise ? await read : read;
        if (entry !== undefined) {
          alone.push({ entry, lease: due });
          continue;
        }
        const lease = await this.leases.get(transaction, due.id);
        if (lease === undefined || lease.expireTime > this.clock.now()) continue;
        if (lease.kind === "secret") targets.add(this.secrets.take(transaction, lease));
        else {
          await this.#endToken(transaction, lease);
          tokens.push(lease);
        }
      }
      this.revoker.removeAlone(transaction, alone);
      for (const { entry } of alone) tokens.push(entry);
      return { targets, tokens };
    });
  }

  /**
   * The token that ends with this lease, where nothing hangs on it and its own entry says all that is
   * to be known: when it ends, and by what lease. Most are such, and then the lease need not be read.
   */
  #tokenAlone(transaction: Transaction, due: DueLease): Awaitable<TokenEntry | undefined> {
    const tokenId = tokenOfLease(due.id);
    // The clock may have been set back meanwhile.
    if (tokenId === undefined || dueTime(due) > this.clock.now()) return undefined;
    const read = this.tokens.readHash(transaction, tokenId);
    const check = (entry: TokenEntry | undefined) => {
      if (entry?.alone !== true || entry.expireTime !== dueTime(due)) return undefined;
      return tokenLeaseId(entry) === due.id ? entry : undefined;
    };
    return read instanceof Promise ? read.then(check) : check(read);
  }

  async #endToken(transaction: Transaction, lease: LeaseEntry): Promise<void> {
    const entry = await this.tokens.lookupHash(transaction, lease.tokenId);
    if (entry === undefined) this.leases.remove(transaction, lease);
    else await this.revoker.revokeTree(transaction, entry);
  }
}
