/** Entities with their aliases. Every change keeps the indexes by name and alias in step. */
import { type Awaitable, chain } from "../base/awaitable.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import { aliasKey, nameKey, prefixes } from "./keys.ts";
import type { Alias, Entity } from "./types.ts";

/** What may be said of a new alias. */
export type NewAlias =
  & Pick<Alias, "name" | "mountAccessor">
  & Partial<Pick<Alias, "metadata" | "customMetadata" | "local">>;

export class Entities {
  /** Told of each new entity, once it is durable. */
  onCreated: (entity: Entity) => void = () => {};

  constructor(
    readonly clock: Clock,
    readonly random: Random,
    readonly cache: EntryCache,
    readonly times?: OperationTimes,
  ) {}

  get(transaction: Transaction, id: string): Awaitable<Entity | undefined> {
    if (id === "" || id.includes("/")) return undefined;
    return this.cache.read(transaction, prefixes.entity + id, decodeEntity);
  }

  /** The entity, or what it was merged into. */
  async follow(transaction: Transaction, id: string): Promise<Entity | undefined> {
    const found = await this.get(transaction, id);
    if (found !== undefined || id === "" || id.includes("/")) return found;
    const into = await transaction.get(prefixes.merged + id);
    return into === undefined ? undefined : await this.get(transaction, fromUtf8(into));
  }

  async byName(transaction: Transaction, name: string): Promise<Entity | undefined> {
    return await this.#through(transaction, prefixes.entityName + nameKey(name));
  }

  async byAliasId(transaction: Transaction, id: string): Promise<Entity | undefined> {
    if (id === "" || id.includes("/")) return undefined;
    return await this.#through(transaction, prefixes.entityAlias + id);
  }

  byAlias(
    transaction: Transaction,
    accessor: string,
    name: string,
  ): Awaitable<Entity | undefined> {
    return this.#through(transaction, prefixes.entityAliasName + aliasKey(accessor, name));
  }

  /** A new entity, not kept yet. Without a name it gets one. */
  make(given: Partial<Entity>): Entity {
    const now = this.clock.now();
    return {
      id: this.random.uuid(),
      metadata: null,
      policies: [],
      disabled: false,
      creationTime: now,
      lastUpdateTime: now,
      mergedEntityIds: [],
      aliases: [],
      namespaceId: "root",
      ...given,
      name: given.name || `entity_${this.random.uuid().slice(0, 8)}`,
    };
  }

  makeAlias(given: NewAlias): Alias {
    const now = this.clock.now();
    return {
      id: this.random.uuid(),
      metadata: null,
      customMetadata: null,
      creationTime: now,
      lastUpdateTime: now,
      mergedFrom: [],
      local: false,
      ...given,
    };
  }

  /**
   * Keeps an entity, `before` being what is kept of it now. Throws a 400 where another entity has
   * its name, where it has two aliases on one mount, or where one of them is another entity's.
   */
  async save(transaction: Transaction, entity: Entity, before: Entity | undefined): Promise<void> {
    this.times?.untilDurable(transaction, "identity.upsert_entity_txn");
    const name = prefixes.entityName + nameKey(entity.name);
    const holder = await transaction.get(name);
    if (holder !== undefined && fromUtf8(holder) !== entity.id) {
      throw badRequest("the name is that of another entity");
    }
    if (before !== undefined && nameKey(before.name) !== nameKey(entity.name)) {
      transaction.delete(prefixes.entityName + nameKey(before.name));
    }
    transaction.put(name, utf8(entity.id));
    await this.#indexAliases(transaction, entity, before);
    const kept: Entity = { ...entity, lastUpdateTime: this.clock.now() };
    transaction.put(prefixes.entity + entity.id, utf8(JSON.stringify(kept)));
    if (before === undefined) transaction.afterCommit(() => this.onCreated(kept));
  }

  /** Forgets an entity with its names and aliases. Its memberships are the caller's to end. */
  remove(transaction: Transaction, entity: Entity): void {
    transaction.delete(prefixes.entity + entity.id);
    transaction.delete(prefixes.entityName + nameKey(entity.name));
    for (const alias of entity.aliases) dropAlias(transaction, alias);
    for (const old of entity.mergedEntityIds) transaction.delete(prefixes.merged + old);
  }

  async #indexAliases(
    transaction: Transaction,
    entity: Entity,
    before: Entity | undefined,
  ): Promise<void> {
    if (before !== undefined && before.aliases === entity.aliases) return;
    const accessors = new Set(entity.aliases.map(({ mountAccessor }) => mountAccessor));
    if (accessors.size < entity.aliases.length) {
      throw badRequest("the entity already has an alias on this mount");
    }
    for (const alias of before?.aliases ?? []) dropAlias(transaction, alias);
    for (const alias of entity.aliases) {
      const key = prefixes.entityAliasName + aliasKey(alias.mountAccessor, alias.name);
      const holder = await transaction.get(key);
      if (holder !== undefined && fromUtf8(holder) !== entity.id) {
        throw badRequest("the alias is that of another entity");
      }
      transaction.put(key, utf8(entity.id));
      transaction.put(prefixes.entityAlias + alias.id, utf8(entity.id));
    }
  }

  #through(transaction: Transaction, key: string): Awaitable<Entity | undefined> {
    return chain(
      this.cache.read(transaction, key, fromUtf8),
      (id) => id === undefined ? undefined : this.get(transaction, id),
    );
  }
}

function dropAlias(transaction: Transaction, alias: Alias): void {
  transaction.delete(prefixes.entityAlias + alias.id);
  transaction.delete(prefixes.entityAliasName + aliasKey(alias.mountAccessor, alias.name));
}

export function decodeEntity(bytes: Uint8Array): Entity {
  const entity: Entity = JSON.parse(fromUtf8(bytes));
  return entity;
}
