/** How long what is done with tokens, leases, policies and the node itself takes, under Vault's names. */
import type { Transaction } from "../storage/transaction.ts";
import type { Registry } from "./registry.ts";
import type { Summary } from "./summary.ts";

/** All are there from the start, so that an alert can tell "never" from "not measured". */
const operations = [
  "core.unseal",
  "core.seal",
  "core.seal-internal",
  "core.pre_seal",
  "core.post_unseal",
  "core.step_down",
  "core.leadership_lost",
  "core.leadership_setup_failed",
  "expire.register",
  "expire.register-auth",
  "expire.renew",
  "expire.renew-token",
  "expire.revoke",
  "expire.revoke-force",
  "expire.revoke-prefix",
  "expire.revoke-by-token",
  "expire.fetch-lease-times",
  "token.create",
  "token.createAccessor",
  "token.lookup",
  "token.revoke",
  "token.revoke-tree",
  "token.store",
  "policy.get_policy",
  "policy.set_policy",
  "policy.delete_policy",
  "policy.list_policies",
  "identity.upsert_entity_txn",
  "identity.upsert_group_txn",
] as const;

export type MeasuredWork = typeof operations[number];

export class OperationTimes {
  readonly #summaries = new Map<MeasuredWork, Summary>();

  constructor(readonly registry: Registry) {
    for (const name of operations) this.#summaries.set(name, registry.summary(name));
  }

  of(name: MeasuredWork): Summary {
    return this.#summaries.get(name) ?? this.registry.summary(name);
  }

  /** From now until what it returns is called. */
  begin(name: MeasuredWork): () => void {
    const { clock } = this.registry;
    const start = clock.monotonic();
    return () => this.of(name).observe(clock.monotonic() - start);
  }

  /** As long as `work` lasts, also where it fails. */
  async during<T>(name: MeasuredWork, work: () => Promise<T>): Promise<T> {
    const end = this.begin(name);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** From now until the changes of a transaction are durable; not at all where they are not made. */
  untilDurable(transaction: Pick<Transaction, "afterCommit">, ...names: MeasuredWork[]): void {
    this.allUntilDurable(transaction, 1, ...names);
  }

  /** The same of so many that are done together: each takes as long as all. */
  allUntilDurable(
    transaction: Pick<Transaction, "afterCommit">,
    count: number,
    ...names: MeasuredWork[]
  ): void {
    const { clock } = this.registry;
    const start = clock.monotonic();
    transaction.afterCommit(() => {
      const took = clock.monotonic() - start;
      for (const name of names) {
        const summary = this.of(name);
        for (let i = 0; i < count; i++) summary.observe(took);
      }
    });
  }
}
