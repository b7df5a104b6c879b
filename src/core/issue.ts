/** Makes tokens, with the lease under which they end. */
import type { Awaitable } from "../base/awaitable.ts";
import { badRequest } from "../base/failure.ts";
import { type Auth, newAuth } from "../logical/auth.ts";
import type { LeaseStore } from "../lease/store.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import type { Transaction } from "../storage/transaction.ts";
import { neutralToken, type TokenEntry, tokenLeaseId } from "../token/entry.ts";
import type { MadeToken, NewToken, TokenStore } from "../token/store.ts";

/** Everything of a new token that is not at its neutral value. */
export type TokenSpec = Partial<NewToken> & Pick<NewToken, "policies" | "path">;

export class TokenIssuer {
  constructor(
    readonly tokens: TokenStore,
    readonly leases: LeaseStore,
    /** Told of each token once it is there for good. */
    readonly onCreated: (entry: TokenEntry) => void,
    readonly times: OperationTimes,
  ) {}

  /**
   * Makes a service token that lives `spec.ttl` seconds, or for ever where that is 0. `text` is
   * given only where an operator chose it; one that is taken is refused.
   */
  issue(transaction: Transaction, spec: TokenSpec, text?: string): Awaitable<MadeToken> {
    const hasParent = spec.parent !== undefined && spec.parent !== "";
    if (text === undefined && !hasParent) return this.#make(transaction, spec);
    return this.#checkAndMake(transaction, spec, text);
  }

  async #checkAndMake(
    transaction: Transaction,
    spec: TokenSpec,
    text: string | undefined,
  ): Promise<MadeToken> {
    if (text !== undefined && await this.tokens.lookup(transaction, text) !== undefined) {
      throw badRequest("cannot create a token with a duplicate ID");
    }
    if (spec.parent !== undefined && spec.parent !== "") {
      await this.tokens.burden(transaction, spec.parent);
    }
    return this.#make(transaction, spec, text);
  }

  #make(transaction: Transaction, spec: TokenSpec, text?: string): MadeToken {
    this.times.untilDurable(
      transaction,
      "token.create",
      "token.createAccessor",
      "expire.register-auth",
    );
    const now = this.tokens.clock.now();
    const ttl = spec.ttl ?? 0;
    const made = this.tokens.create(transaction, {
      ...neutralToken,
      displayName: "token",
      renewable: true,
      ...(this.tokens.forms.alone() ? { alone: true } : {}),
      ...spec,
      ttl,
      expireTime: ttl === 0 ? 0 : now + ttl * 1000,
    }, text);
    this.#putLease(transaction, made.entry);
    transaction.afterCommit(() => this.onCreated(made.entry));
    return made;
  }

  /** Gives a token a new end, and its lease with it. */
  async extend(transaction: Transaction, entry: TokenEntry, ttl: number): Promise<TokenEntry> {
    const now = this.tokens.clock.now();
    const after = { ...entry, expireTime: now + ttl * 1000, lastRenewal: now };
    this.times.untilDurable(transaction, "token.store", "expire.renew-token");
    this.tokens.save(transaction, after);
    const lease = await this.leases.get(transaction, tokenLeaseId(entry));
    if (lease === undefined) this.#putLease(transaction, after);
    else {
      const { expireTime } = after;
      this.leases.put(transaction, { ...lease, expireTime, lastRenewal: now }, lease);
    }
    return after;
  }

  #putLease(transaction: Transaction, entry: TokenEntry): void {
    this.leases.put(transaction, {
      id: tokenLeaseId(entry),
      kind: "token",
      tokenId: entry.id,
      issueTime: entry.creationTime,
      expireTime: entry.expireTime,
      lastRenewal: 0,
      renewable: entry.renewable,
      maxTtl: entry.explicitMaxTtl,
      namespaceId: entry.namespaceId,
      internalData: {},
    });
  }
}

/** The `auth` block that tells a client of its token. */
export function authOf(made: MadeToken, warningsOf: Partial<Auth> = {}): Auth {
  const { entry, token } = made;
  return newAuth({
    clientToken: token,
    accessor: entry.accessor,
    displayName: entry.displayName,
    tokenPolicies: [...entry.policies],
    metadata: entry.meta,
    leaseDurationSeconds: entry.ttl,
    explicitMaxTtlSeconds: entry.explicitMaxTtl,
    periodSeconds: entry.period,
    renewable: entry.renewable && entry.ttl > 0,
    numUses: entry.numUses,
    boundCidrs: entry.boundCidrs,
    tokenType: entry.type,
    orphan: entry.parent === "",
    entityId: entry.entityId,
    ...warningsOf,
  });
}
