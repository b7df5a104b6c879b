/**
 * How many tokens there are of logins with a role, where a lease count is for that role. Each has a
 * mark in storage, made and removed with the token; they are counted once, and then kept count of.
 */
import type { Transaction } from "../storage/transaction.ts";
import { countedTokens, type TokenWatcher } from "../token/store.ts";

const pageSize = 1000;

/** Names a role of an auth mount, as tokens note it. */
export function countedAs({ mount, role }: { readonly mount: string; readonly role: string }) {
  return `${mount}${encodeURIComponent(role)}`;
}

export class RoleCounts implements TokenWatcher {
  readonly #known = new Map<string, number>();
  readonly #reserved = new Map<string, number>();

  /** Those of a role, the ones that are being made included. Whoever makes one conflicts with who counts. */
  async count(transaction: Transaction, role: string): Promise<number> {
    const known = this.#known.get(role) ?? await this.#counted(transaction, role);
    return known + (this.#reserved.get(role) ?? 0);
  }

  /**
   * Makes room for one that `transaction` makes; whether there is any. Nothing is waited for between
   * the look at what is there and the reservation, so those of a burst see each other, in their order.
   */
  async admit(transaction: Transaction, role: string, most: number): Promise<boolean> {
    const counted = this.#known.has(role) ? 0 : await this.#counted(transaction, role);
    this.#reserve(transaction, role);
    const there = this.#known.get(role) ?? counted;
    return there + (this.#reserved.get(role) ?? 0) <= most;
  }

  #reserve(transaction: Transaction, role: string): void {
    const bump = (by: number) => this.#reserved.set(role, (this.#reserved.get(role) ?? 0) + by);
    bump(1);
    transaction.afterEnd(() => bump(-1));
  }

  created(role: string): void {
    this.#bump(role, 1);
  }

  removed(role: string): void {
    this.#bump(role, -1);
  }

  /** What nobody has asked for yet is counted when somebody does. */
  #bump(role: string, by: number): void {
    const known = this.#known.get(role);
    if (known !== undefined) this.#known.set(role, known + by);
  }

  async #counted(transaction: Transaction, role: string): Promise<number> {
    const prefix = `${countedTokens}${role}/`;
    let count = 0;
    let after: string | undefined;
    for (;;) {
      const page = await transaction.scan(prefix, {
        limit: pageSize,
        keysOnly: true,
        ...(after === undefined ? {} : { after }),
      });
      count += page.length;
      after = page.at(-1)?.key;
      if (page.length < pageSize) break;
    }
    transaction.afterCommit(() => {
      if (!this.#known.has(role)) this.#known.set(role, count);
    });
    return count;
  }
}
