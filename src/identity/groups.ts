/** Groups of entities and of groups. Membership lives in two indexes, one for each direction. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import type { EntryCache } from "../storage/cache.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { OperationTimes } from "../telemetry/operation_times.ts";
import { aliasKey, nameKey, prefixes } from "./keys.ts";
import type { Group } from "./types.ts";

const nothing = new Uint8Array(0);
const page = 1000;

export class Groups {
  constructor(
    readonly clock: Clock,
    readonly random: Random,
    readonly cache: EntryCache,
    readonly times?: OperationTimes,
  ) {}

  async get(transaction: Transaction, id: string): Promise<Group | undefined> {
    if (id === "" || id.includes("/")) return undefined;
    return await this.cache.read(transaction, prefixes.group + id, decodeGroup);
  }

  async byName(transaction: Transaction, name: string): Promise<Group | undefined> {
    return await this.#through(transaction, prefixes.groupName + nameKey(name));
  }

  async byAliasId(transaction: Transaction, id: string): Promise<Group | undefined> {
    if (id === "" || id.includes("/")) return undefined;
    return await this.#through(transaction, prefixes.groupAlias + id);
  }

  async byAlias(
    transaction: Transaction,
    accessor: string,
    name: string,
  ): Promise<Group | undefined> {
    return await this.#through(transaction, prefixes.groupAliasName + aliasKey(accessor, name));
  }

  /** A new group, not kept yet. Without a name it gets one. */
  make(given: Partial<Group>): Group {
    const now = this.clock.now();
    return {
      id: this.random.uuid(),
      type: "internal",
      metadata: null,
      policies: null,
      membersGiven: false,
      creationTime: now,
      lastUpdateTime: now,
      modifyIndex: 0,
      alias: null,
      namespaceId: "root",
      ...given,
      name: given.name || `group_${this.random.uuid().slice(0, 8)}`,
    };
  }

  /**
   * Keeps a group, `before` being what is kept of it now, and counts the change. Throws a 400
   * where another group has its name or its alias.
   */
  async save(
    transaction: Transaction,
    group: Group,
    before: Group | undefined,
    changes = 1,
  ): Promise<void> {
    this.times?.untilDurable(transaction, "identity.upsert_group_txn");
    await claim(transaction, prefixes.groupName + nameKey(group.name), group.id, "name");
    if (before !== undefined && nameKey(before.name) !== nameKey(group.name)) {
      transaction.delete(prefixes.groupName + nameKey(before.name));
    }
    if (before?.alias !== group.alias) {
      if (before !== undefined) dropAlias(transaction, before);
      if (group.alias !== null) {
        const { id, mountAccessor, name } = group.alias;
        const key = prefixes.groupAliasName + aliasKey(mountAccessor, name);
        await claim(transaction, key, group.id, "alias");
        transaction.put(prefixes.groupAlias + id, utf8(group.id));
      }
    }
    const kept: Group = {
      ...group,
      lastUpdateTime: this.clock.now(),
      modifyIndex: (before?.modifyIndex ?? 0) + changes,
    };
    transaction.put(prefixes.group + group.id, utf8(JSON.stringify(kept)));
  }

  async remove(transaction: Transaction, group: Group): Promise<void> {
    transaction.delete(prefixes.group + group.id);
    transaction.delete(prefixes.groupName + nameKey(group.name));
    dropAlias(transaction, group);
    for (const id of await this.entityMembers(transaction, group.id)) {
      this.removeEntity(transaction, group.id, id);
    }
    for (const id of await this.groupMembers(transaction, group.id)) {
      unlinkGroups(transaction, group.id, id);
    }
    for (const id of await this.parents(transaction, group.id)) {
      unlinkGroups(transaction, id, group.id);
    }
  }

  async entityMembers(transaction: Transaction, id: string): Promise<string[]> {
    return await names(transaction, `${prefixes.entitiesOfGroup}${id}/`);
  }

  async groupMembers(transaction: Transaction, id: string): Promise<string[]> {
    return await names(transaction, `${prefixes.groupsInGroup}${id}/`);
  }

  /** Groups that an entity itself is in. */
  async ofEntity(transaction: Transaction, entityId: string): Promise<string[]> {
    return await names(transaction, `${prefixes.groupsOfEntity}${entityId}/`);
  }

  /** Groups that a group itself is in. */
  async parents(transaction: Transaction, id: string): Promise<string[]> {
    return await names(transaction, `${prefixes.groupsOfGroup}${id}/`);
  }

  /** All groups above the given ones, they not included unless they are above each other. */
  async ancestors(transaction: Transaction, ids: readonly string[]): Promise<string[]> {
    const found = new Set<string>();
    const open = [...ids];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const parent of await this.parents(transaction, id)) {
        if (found.has(parent)) continue;
        found.add(parent);
        open.push(parent);
      }
    }
    return [...found];
  }

  addEntity(transaction: Transaction, groupId: string, entityId: string): void {
    transaction.put(`${prefixes.entitiesOfGroup}${groupId}/${entityId}`, nothing);
    transaction.put(`${prefixes.groupsOfEntity}${entityId}/${groupId}`, nothing);
  }

  removeEntity(transaction: Transaction, groupId: string, entityId: string): void {
    transaction.delete(`${prefixes.entitiesOfGroup}${groupId}/${entityId}`);
    transaction.delete(`${prefixes.groupsOfEntity}${entityId}/${groupId}`);
  }

  /** Makes the members exactly these. */
  async setEntities(
    transaction: Transaction,
    groupId: string,
    entityIds: readonly string[],
  ): Promise<void> {
    const wanted = new Set(entityIds);
    const present = new Set(await this.entityMembers(transaction, groupId));
    for (const id of present) if (!wanted.has(id)) this.removeEntity(transaction, groupId, id);
    for (const id of wanted) if (!present.has(id)) this.addEntity(transaction, groupId, id);
  }

  /**
   * Makes the member groups exactly these, and counts the change in each that comes or goes.
   * Throws a 400 for one that is not there or that would make the group its own member.
   */
  async setGroups(
    transaction: Transaction,
    groupId: string,
    memberIds: readonly string[],
  ): Promise<void> {
    const above = new Set([groupId, ...await this.ancestors(transaction, [groupId])]);
    const wanted = new Set(memberIds);
    const present = new Set(await this.groupMembers(transaction, groupId));
    for (const id of wanted) {
      if (above.has(id)) throw badRequest("member groups can't form a cycle");
    }
    for (const id of new Set([...wanted, ...present])) {
      if (wanted.has(id) === present.has(id)) continue;
      const member = await this.get(transaction, id);
      if (member === undefined && wanted.has(id)) throw badRequest("a member group is not there");
      if (wanted.has(id)) {
        linkGroups(transaction, groupId, id);
      } else unlinkGroups(transaction, groupId, id);
      if (member !== undefined) await this.save(transaction, member, member);
    }
  }

  /**
   * Makes a group a member of another, without counting it as a change of either. Throws a 400 for
   * one that is not there or that would make a group its own member.
   */
  async addGroup(transaction: Transaction, groupId: string, memberId: string): Promise<void> {
    const isThere = await this.get(transaction, groupId) !== undefined &&
      await this.get(transaction, memberId) !== undefined;
    if (!isThere) throw badRequest("a member group is not there");
    if ([groupId, ...await this.ancestors(transaction, [groupId])].includes(memberId)) {
      throw badRequest("member groups can't form a cycle");
    }
    linkGroups(transaction, groupId, memberId);
  }

  async #through(transaction: Transaction, key: string): Promise<Group | undefined> {
    const id = await this.cache.read(transaction, key, fromUtf8);
    return id === undefined ? undefined : await this.get(transaction, id);
  }
}

async function claim(
  transaction: Transaction,
  key: string,
  id: string,
  what: string,
): Promise<void> {
  const holder = await transaction.get(key);
  if (holder !== undefined && fromUtf8(holder) !== id) {
    throw badRequest(`the ${what} is that of another group`);
  }
  transaction.put(key, utf8(id));
}

function dropAlias(transaction: Transaction, { alias }: Group): void {
  if (alias === null) return;
  transaction.delete(prefixes.groupAlias + alias.id);
  transaction.delete(prefixes.groupAliasName + aliasKey(alias.mountAccessor, alias.name));
}

function linkGroups(transaction: Transaction, parentId: string, memberId: string): void {
  transaction.put(`${prefixes.groupsInGroup}${parentId}/${memberId}`, nothing);
  transaction.put(`${prefixes.groupsOfGroup}${memberId}/${parentId}`, nothing);
}

function unlinkGroups(transaction: Transaction, parentId: string, memberId: string): void {
  transaction.delete(`${prefixes.groupsInGroup}${parentId}/${memberId}`);
  transaction.delete(`${prefixes.groupsOfGroup}${memberId}/${parentId}`);
}

async function names(transaction: Transaction, prefix: string): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const some = await transaction.list(prefix, {
      limit: page,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...some);
    after = some.at(-1);
    if (some.length < page || after === undefined) return found;
  }
}

export function decodeGroup(bytes: Uint8Array): Group {
  const group: Group = JSON.parse(fromUtf8(bytes));
  return group;
}
