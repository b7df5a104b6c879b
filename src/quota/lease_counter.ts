/**
 * How many leases there are, by the path they were made under. Exact while the node runs: what is
 * about to be created is reserved first, so that a burst can't pass the limit together. After an
 * unclean stop the leases are counted anew in the background.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Transaction } from "../storage/transaction.ts";

const idPrefix = "sys/expire/id/";
/** Half a millisecond's work: counting shares the first moments after a start with requests. */
const pageSize = 100;
/** Leases that one request may look for while counting goes on; larger quotas are approximate till then. */
const mostLookedFor = 20_000;

export class LeaseCounter {
  readonly #counted = new Counts();
  readonly #reserved = new Counts();
  /** Up to where leases have been counted; undefined once all are. */
  #cursor: string | undefined = "";

  /** Leases whose path begins so, those that are being created included. */
  count(prefix: string): number {
    return this.#counted.below(prefix) + this.#reserved.below(prefix);
  }

  /** Makes room for a lease that `transaction` creates. */
  reserve(transaction: Transaction, path: string): void {
    this.#reserved.bump(path, 1);
    transaction.afterEnd(() => this.#reserved.bump(path, -1));
  }

  /**
   * How many more there are below a prefix that have not been counted yet, up to `limit`: right after
   * a start a quota must not let through what it has not seen. 0 once all are counted.
   */
  uncounted(transaction: Transaction, prefix: string, limit: number): Awaitable<number> {
    const after = this.#cursor;
    if (after === undefined || limit <= 0) return 0;
    return this.#foundAfter(transaction, after, idPrefix + prefix, limit);
  }

  async #foundAfter(
    transaction: Transaction,
    after: string,
    folder: string,
    limit: number,
  ): Promise<number> {
    // Counted in the order of keys: the cursor is before the folder, in it, or past it.
    if (after > folder && !after.startsWith(folder)) return 0;
    const left = Math.min(limit, mostLookedFor);
    const page = await transaction.scan(folder, {
      limit: left,
      ...(after > folder ? { after } : {}),
    });
    return page.length;
  }

  created(leaseId: string): void {
    if (this.#isCounted(leaseId)) this.#counted.bump(pathOf(leaseId), 1);
  }

  removed(leaseId: string): void {
    if (this.#isCounted(leaseId)) this.#counted.bump(pathOf(leaseId), -1);
  }

  /** Counts the next page of what is stored; false when there is no more. */
  async countOn(transaction: Transaction): Promise<boolean> {
    if (this.#cursor === undefined) return false;
    const page = await transaction.scan(idPrefix, {
      limit: pageSize,
      keysOnly: true,
      ...(this.#cursor === "" ? {} : { after: this.#cursor }),
    });
    transaction.afterCommit(() => {
      for (const { key } of page) this.#counted.bump(pathOf(key.slice(idPrefix.length)), 1);
      this.#cursor = page.length < pageSize ? undefined : page.at(-1)?.key;
    });
    return page.length === pageSize;
  }

  #isCounted(leaseId: string): boolean {
    return this.#cursor === undefined || idPrefix + leaseId <= this.#cursor;
  }
}

function pathOf(leaseId: string): string {
  return leaseId.slice(0, leaseId.lastIndexOf("/"));
}

/** Counts by path, and their sum, which the default quota asks for at each login. */
class Counts {
  readonly #byPath = new Map<string, number>();
  #sum = 0;

  bump(path: string, by: number): void {
    const before = this.#byPath.get(path) ?? 0;
    const after = Math.max(0, before + by);
    this.#sum += after - before;
    if (after > 0) this.#byPath.set(path, after);
    else this.#byPath.delete(path);
  }

  /** Of all paths that begin so. */
  below(prefix: string): number {
    if (prefix === "") return this.#sum;
    let sum = 0;
    for (const [path, count] of this.#byPath) if (path.startsWith(prefix)) sum += count;
    return sum;
  }
}
