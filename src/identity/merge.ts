/** Makes one entity of several. */
import { utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { Identity } from "./identity.ts";
import { prefixes } from "./keys.ts";
import type { Alias, Entity } from "./types.ts";

export interface Merge {
  readonly fromIds: readonly string[];
  readonly toId: string;
  /** Where both have an alias on one mount, which of the two stays. */
  readonly aliasIdsToKeep: readonly string[];
}

/**
 * Moves aliases, memberships and tokens of some entities to another one; metadata and policies of
 * those that go are dropped, as a merge must not give rights by itself. Throws a 400 where one is not there, or where two aliases on a mount clash and nothing says which one stays.
 */
export async function mergeEntities(
  identity: Identity,
  transaction: Transaction,
  merge: Merge,
): Promise<void> {
  const { entities } = identity;
  const into = await entities.get(transaction, merge.toId);
  if (into === undefined) throw badRequest("there is no entity with the ID to merge into");
  let merged: Entity = into;
  for (const id of new Set(merge.fromIds)) {
    if (id === into.id) throw badRequest("to_entity_id must not be one of from_entity_ids");
    const from = await entities.get(transaction, id);
    if (from === undefined) throw badRequest("there is no entity with an ID to merge from");
    merged = take(merged, from, merge.aliasIdsToKeep);
    await takeMemberships(identity, transaction, into.id, from.id);
    entities.remove(transaction, from);
  }
  for (const old of merged.mergedEntityIds) {
    transaction.put(prefixes.merged + old, utf8(into.id));
  }
  await entities.save(transaction, merged, into);
}

function take(into: Entity, from: Entity, keep: readonly string[]): Entity {
  let aliases: readonly Alias[] = into.aliases;
  for (const alias of from.aliases) {
    const clash = aliases.find(({ mountAccessor }) => mountAccessor === alias.mountAccessor);
    const moved: Alias = { ...alias, mergedFrom: [...alias.mergedFrom, from.id] };
    if (clash === undefined) aliases = [...aliases, moved];
    else if (keep.includes(alias.id)) aliases = aliases.map((a) => a === clash ? moved : a);
    else if (!keep.includes(clash.id)) {
      throw badRequest(
        `the entities have conflicting aliases on mount ${alias.mountAccessor}: ` +
          "conflicting_alias_ids_to_keep must name one of them",
      );
    }
  }
  return {
    ...into,
    aliases,
    mergedEntityIds: [...into.mergedEntityIds, ...from.mergedEntityIds, from.id],
  };
}

async function takeMemberships(
  { groups }: Identity,
  transaction: Transaction,
  intoId: string,
  fromId: string,
): Promise<void> {
  for (const groupId of await groups.ofEntity(transaction, fromId)) {
    groups.removeEntity(transaction, groupId, fromId);
    groups.addEntity(transaction, groupId, intoId);
    const group = await groups.get(transaction, groupId);
    // One change for who goes, one for who comes.
    if (group !== undefined) await groups.save(transaction, group, group, 2);
  }
}
