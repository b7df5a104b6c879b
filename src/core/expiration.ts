/**
 * Ends what is due, soonest first. Wakes when the next lease ends; holds none in memory. Secrets, whose
 * end takes a word from outside, are left to `SecretEnding`: nothing here waits for them.
 */
import { type Cancel, type Clock, sleep } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { LeaseEntry } from "../lease/entry.ts";
import type { LeaseStore } from "../lease/store.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import type { TokenStore } from "../token/store.ts";
import type { Revoker } from "./revoke.ts";
import type { ExpiryMetrics } from "./expiry_metrics.ts";
import type { SecretEnding } from "./secret_ending.ts";

/** Due leases looked at in one go, and tokens ended in one transaction. */
const pageSize = 8192;
const batchSize = 64;
/** Batches under way: while one waits for the disk the next one is put together. */
const lanes = 4;
const lookMs = 20;
const retryMs = 10_000;
/** The clock may be set forward: looks at least this often. */
const longestSleepMs = 60_000;

export class Expiration {
  #cancel: Cancel = () => {};
  #wakeAt = Infinity;
  #stopped = false;
  #running: Promise<void> | undefined;
  /** Requests came while the last batch was ended. */
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

  start(): void {
    this.#sleepUntil(this.clock.now());
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
      if (due < this.#wakeAt) this.#sleepUntil(due);
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
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    try {
      await this.secrets.resume();
      await this.revoker.finish();
      await this.#endDue();
      const next = await this.transactions.run((t) => this.leases.nextDue(t));
      this.#sleepUntil(next ?? Infinity);
    } catch (error) {
      if (this.#stopped) return;
      this.log.error("expiring leases failed; trying again", { error: describeError(error) });
      this.#sleepUntil(this.clock.now() + retryMs);
    }
  }

  async #endDue(): Promise<void> {
    let after: string | undefined;
    while (!this.#stopped) {
      const { ids, last } = await this.transactions.run((t) =>
        this.leases.due(t, this.clock.now(), pageSize, after)
      );
      if (ids.length === 0) return;
      // All are due: in the order of their keys, neighbours on disk are read and changed together.
      ids.sort();
      let at = 0;
      const lane = async (number: number) => {
        while (at < ids.length && !this.#stopped) {
          if (number > 0 && this.#isCourteous) {
            await sleep(this.clock, lookMs);
            continue;
          }
          await this.#giveWay(() => this.#endBatch(ids.slice(at, at += batchSize)));
        }
      };
      await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
      after = last;
    }
  }

  /** While requests come, one batch at a time is ended, and half of the time is theirs. */
  async #giveWay(work: () => Promise<void>): Promise<void> {
    const start = this.clock.monotonic();
    const before = this.requests();
    await work();
    this.#isCourteous = this.requests() > before;
    if (this.#isCourteous) await sleep(this.clock, this.clock.monotonic() - start);
  }

  async #endBatch(ids: readonly string[]): Promise<void> {
    const { targets, tokens } = await this.#takeOver(ids).catch((error) => {
      if (!this.#stopped) this.metrics.failed();
      throw error;
    });
    const now = this.clock.now();
    for (const lease of tokens) this.metrics.ended(lease, now);
    for (const target of targets) this.secrets.nudge(target);
    await this.revoker.finish();
  }

  /** Ends the tokens among what is due, and gives the secrets to those who end them. */
  #takeOver(ids: readonly string[]): Promise<{ targets: Set<string>; tokens: LeaseEntry[] }> {
    return this.transactions.run(async (transaction) => {
      const targets = new Set<string>();
      const tokens: LeaseEntry[] = [];
      for (const id of ids) {
        const lease = await this.leases.get(transaction, id);
        if (lease === undefined || lease.expireTime > this.clock.now()) continue;
        if (lease.kind === "secret") targets.add(this.secrets.take(transaction, lease));
        else {
          await this.#endToken(transaction, lease);
          tokens.push(lease);
        }
      }
      return { targets, tokens };
    });
  }

  async #endToken(transaction: Transaction, lease: LeaseEntry): Promise<void> {
    const entry = await this.tokens.lookupHash(transaction, lease.tokenId);
    if (entry === undefined) this.leases.remove(transaction, lease);
    else await this.revoker.revokeTree(transaction, entry);
  }
}
