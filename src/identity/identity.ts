/** The identity of one node: entities, groups, and what requests see of them. */
import type { Clock, Random } from "../base/clock.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import { Entities } from "./entities.ts";
import { Groups } from "./groups.ts";
import type { Entity } from "./types.ts";
import { IdentityViews } from "./views.ts";

export class Identity {
  readonly entities: Entities;
  readonly groups: Groups;
  readonly views: IdentityViews;

  constructor(
    transactions: Transactions,
    cache: EntryCache,
    clock: Clock,
    random: Random,
    times?: OperationTimes,
  ) {
    this.entities = new Entities(clock, random, cache, times);
    this.groups = new Groups(clock, random, cache, times);
    this.views = new IdentityViews(transactions, this.entities, this.groups);
  }

  /** Forgets an entity and its memberships. Its tokens are refused from then on. */
  async removeEntity(transaction: Transaction, entity: Entity): Promise<void> {
    this.entities.remove(transaction, entity);
    for (const groupId of await this.groups.ofEntity(transaction, entity.id)) {
      this.groups.removeEntity(transaction, groupId, entity.id);
      const group = await this.groups.get(transaction, groupId);
      if (group !== undefined) await this.groups.save(transaction, group, group);
    }
  }
}
