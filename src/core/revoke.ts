/**
 * Takes tokens back, with everything that hangs on them: children, cubbyhole, leased secrets. What
 * fits goes in the request's transaction; a larger tree is noted in storage first, so that a
 * restart in the middle goes on where it stopped.
 */
import { utf8 } from "../base/bytes.ts";
import type { DueLease, LeaseStore } from "../lease/store.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import { type TokenEntry, tokenLeaseId } from "../token/entry.ts";
import type { TokenStore } from "../token/store.ts";
import type { SecretEnding } from "./secret_ending.ts";

/** Tokens of which a transaction removes at most so many. */
const tokensPerTransaction = 200;
/** Trees whose removal is under way, by the hash of a token whose children are still there. */
const pending = "sys/expire/revoking/";

/** A token that has come due, as its lease was found. */
export interface EndedToken {
  readonly entry: TokenEntry;
  readonly lease: DueLease;
}

/** How far a revocation by prefix is. */
export interface PrefixProgress {
  readonly prefix: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly revoked: number;
}

export class Revoker {
  /** Revocations by prefix that are under way, by their id. */
  readonly running = new Map<string, PrefixProgress>();
  /** A tree was too large for one transaction, or may have been before the start. */
  #unfinished = true;
  #finishing: Promise<void> | undefined;

  constructor(
    readonly transactions: Transactions,
    readonly tokens: TokenStore,
    readonly leases: LeaseStore,
    readonly secrets: SecretEnding,
    /** Where the cubbyholes of tokens lie: ends in "/". */
    readonly cubbyholePrefix: () => string,
    readonly times: OperationTimes,
  ) {}

  /**
   * Revokes a token and all its descendants. In `transaction` the token itself and as many of the
   * others as fit; `finish`, called after the commit and before the answer, does the rest.
   */
  async revokeTree(transaction: Transaction, entry: TokenEntry): Promise<void> {
    this.times.untilDurable(transaction, "token.revoke-tree", "expire.revoke-by-token");
    const queue = [entry];
    let removed = 0;
    while (queue.length > 0) {
      const next = queue.pop();
      if (next === undefined) break;
      await this.#removeOne(transaction, next);
      removed++;
      const room = tokensPerTransaction - removed - queue.length;
      if (next.alone) continue;
      const children = await this.tokens.children(transaction, next.id, Math.max(1, room + 1));
      if (children.length > room) {
        transaction.put(pending + next.id, utf8(""));
        transaction.afterCommit(() => {
          this.#unfinished = true;
        });
        continue;
      }
      for (const id of children) {
        const child = await this.tokens.lookupHash(transaction, id);
        if (child !== undefined) queue.push(child);
      }
    }
  }

  /**
   * Forgets tokens that have come due, on which nothing hangs, with their leases. Each entry must say
   * that it is alone, and have been read in `transaction`: whatever comes to hang on it changes that.
   */
  removeAlone(transaction: Transaction, ended: readonly EndedToken[]): void {
    if (ended.length === 0) return;
    this.times.allUntilDurable(
      transaction,
      ended.length,
      "token.revoke-tree",
      "expire.revoke-by-token",
      "token.revoke",
    );
    this.tokens.remove(transaction, ...ended.map(({ entry }) => entry));
    this.leases.removeFound(transaction, ended.map(({ lease }) => lease));
  }

  /**
   * Removes what `revokeTree` noted, also before a restart; at once where there is nothing. What is
   * noted when it is called is gone when it returns, whoever removes it: one works for all.
   */
  async finish(): Promise<void> {
    while (this.#unfinished || this.#finishing !== undefined) {
      this.#finishing ??= this.#finishAll();
      await this.#finishing;
    }
  }

  async #finishAll(): Promise<void> {
    try {
      do this.#unfinished = false; while (await this.#finishSome() || this.#unfinished);
    } catch (error) {
      this.#unfinished = true;
      throw error;
    } finally {
      this.#finishing = undefined;
    }
  }

  /** Removes some children of a noted tree; whether there was one. */
  #finishSome(): Promise<boolean> {
    return this.transactions.run(async (transaction) => {
      const [note] = await transaction.scan(pending, { limit: 1, keysOnly: true });
      if (note === undefined) return false;
      const parent = note.key.slice(pending.length);
      const children = await this.tokens.children(transaction, parent, 50);
      if (children.length === 0) transaction.delete(note.key);
      for (const id of children) {
        const child = await this.tokens.lookupHash(transaction, id);
        if (child === undefined) transaction.delete(`sys/token/parent/${parent}/${id}`);
        else await this.revokeTree(transaction, child);
      }
      return true;
    });
  }

  /** Revokes one token and sets its children free. */
  async revokeOrphan(transaction: Transaction, entry: TokenEntry): Promise<void> {
    const children = entry.alone ? [] : await this.tokens.children(transaction, entry.id, 100_000);
    for (const id of children) {
      await this.tokens.orphan(transaction, id);
    }
    await this.#removeOne(transaction, entry);
  }

  async #removeOne(transaction: Transaction, entry: TokenEntry): Promise<void> {
    this.times.untilDurable(transaction, "token.revoke");
    this.tokens.remove(transaction, entry);
    const lease = await this.leases.get(transaction, tokenLeaseId(entry));
    if (lease !== undefined) this.leases.remove(transaction, lease);
    if (entry.alone) return;
    await this.#endSecrets(transaction, entry.id);
    await this.#emptyCubbyhole(transaction, entry.id);
  }

  /** Leased secrets end now; who can talk to their engines takes them back. */
  async #endSecrets(transaction: Transaction, tokenId: string): Promise<void> {
    for (const id of await this.leases.ofToken(transaction, tokenId, 100_000)) {
      const lease = await this.leases.get(transaction, id);
      if (lease !== undefined) this.secrets.endEarly(transaction, lease);
    }
  }

  async #emptyCubbyhole(transaction: Transaction, tokenId: string): Promise<void> {
    const prefix = `${this.cubbyholePrefix()}${tokenId}/`;
    for (const { key } of await transaction.scan(prefix, { limit: 100_000, keysOnly: true })) {
      transaction.delete(key);
    }
  }
}
