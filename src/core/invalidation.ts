/**
 * Between the log that is applied and what is kept in memory of it: each applied batch of keys goes
 * in, and whoever answers a request waits until what it may meet is as stored.
 */
import type { Transactions } from "../storage/transaction.ts";
import type { KeptState } from "./kept_state.ts";

export class Invalidation {
  readonly #transactions: Pick<Transactions, "changedElsewhere">;
  readonly #kept: readonly KeptState[];
  readonly #stale = new Set<KeptState>();
  #reloading: Promise<void> | undefined;

  constructor(
    transactions: Pick<Transactions, "changedElsewhere">,
    kept: readonly KeptState[],
  ) {
    this.#transactions = transactions;
    this.#kept = kept;
  }

  /** Called for each batch, in order, after it is visible and before anybody waits no more for it. */
  applied(keys: readonly string[]): void {
    this.#transactions.changedElsewhere(keys);
    for (const kept of this.#kept) {
      if (keys.some((key) => isFrom(kept, key))) this.#stale.add(kept);
    }
    // Nobody need ask first; who does ask meets the error, if there is one, and tries again.
    this.settle()?.catch(() => undefined);
  }

  /**
   * Undefined where everything that was applied so far has been taken up; else resolves once it is.
   * Rejects where that fails; the next one tries again.
   */
  settle(): Promise<void> | undefined {
    if (this.#reloading === undefined && this.#stale.size === 0) return undefined;
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reload(): Promise<void> {
    while (this.#stale.size > 0) {
      const kept = this.#kept.find((one) => this.#stale.has(one));
      if (kept === undefined) return;
      // What changes from here on makes it stale again.
      this.#stale.delete(kept);
      try {
        await kept.reload();
      } catch (error) {
        this.#stale.add(kept);
        throw new Error(`the ${kept.name} could not be taken up`, { cause: error });
      }
    }
  }
}

function isFrom({ from }: KeptState, key: string): boolean {
  return from.some((start) => start.endsWith("/") ? key.startsWith(start) : key === start);
}
