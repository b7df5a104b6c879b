/**
 * What a request needs to know of the entity behind its token: policies and groups, worked out
 * once and forgotten as soon as anything they follow from changes.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Transaction, Transactions } from "../storage/transaction.ts";
import type { Entities } from "./entities.ts";
import type { Groups } from "./groups.ts";
import { ownerIn, prefixes } from "./keys.ts";
import type { Entity, Group } from "./types.ts";

export interface IdentityView {
  readonly entity: Entity;
  /** IDs of the groups that the entity itself is in. */
  readonly directGroups: readonly string[];
  /** Those and all above them. */
  readonly groups: readonly Group[];
  /** Of the entity and its groups, each once, sorted. */
  readonly policies: readonly string[];
}

export class IdentityViews {
  readonly #views = new Map<string, IdentityView>();
  #changes = 0;

  constructor(
    transactions: Transactions,
    readonly entities: Entities,
    readonly groups: Groups,
    readonly maxViews = 4096,
  ) {
    transactions.onChange((keys) => this.#forget(keys));
  }

  /** Of a live entity, or of what it was merged into; undefined where it is gone. */
  get(transaction: Transaction, id: string): Awaitable<IdentityView | undefined> {
    return this.#known(transaction, id) ?? this.#load(transaction, id);
  }

  async #load(transaction: Transaction, id: string): Promise<IdentityView | undefined> {
    const before = this.#changes;
    const entity = await this.entities.follow(transaction, id);
    if (entity === undefined) return undefined;
    const merged = entity.id === id ? undefined : this.#known(transaction, entity.id);
    if (merged !== undefined) return merged;
    const view = await this.build(transaction, entity);
    if (transaction.changesNothing && before === this.#changes) this.#keep(view);
    return view;
  }

  /** Not within a transaction that has changed something: it may be just this. */
  #known(transaction: Transaction, id: string): IdentityView | undefined {
    const known = transaction.changesNothing ? this.#views.get(id) : undefined;
    if (known === undefined) return undefined;
    transaction.noteRead(prefixes.entity + id);
    for (const group of known.groups) transaction.noteRead(prefixes.group + group.id);
    return known;
  }

  /** Worked out anew, with what this transaction has changed. */
  async build(transaction: Transaction, entity: Entity): Promise<IdentityView> {
    const directGroups = await this.groups.ofEntity(transaction, entity.id);
    const above = directGroups.length === 0
      ? []
      : await this.groups.ancestors(transaction, directGroups);
    const groups: Group[] = [];
    for (const id of new Set([...directGroups, ...above])) {
      const group = await this.groups.get(transaction, id);
      if (group !== undefined) groups.push(group);
    }
    const policies = new Set(entity.policies);
    for (const group of groups) for (const name of group.policies ?? []) policies.add(name);
    return { entity, directGroups, groups, policies: [...policies].sort() };
  }

  #keep(view: IdentityView): void {
    if (this.#views.size >= this.maxViews) {
      const [oldest] = this.#views.keys();
      if (oldest !== undefined) this.#views.delete(oldest);
    }
    this.#views.set(view.entity.id, view);
  }

  #forget(keys: readonly string[]): void {
    for (const key of keys) {
      if (!key.startsWith("identity/")) continue;
      this.#changes++;
      if (key.startsWith(prefixes.entity)) this.#views.delete(ownerIn(key, prefixes.entity));
      else if (key.startsWith(prefixes.groupsOfEntity)) {
        this.#views.delete(ownerIn(key, prefixes.groupsOfEntity));
      } else if (key.startsWith(prefixes.group) || key.startsWith(prefixes.groupsOfGroup)) {
        this.#views.clear();
      }
    }
  }
}
