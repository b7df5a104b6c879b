/** Entities, groups and memberships, with the IDs and times that they had. */
import { utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { checkTimes, field, readFields } from "../../backend/field.ts";
import type { Services } from "../../core/services.ts";
import type { Item } from "../../foreign/items.ts";
import { prefixes } from "../../identity/keys.ts";
import type { Alias, Entity, Group } from "../../identity/types.ts";
import { rootNamespace } from "../../logical/namespace.ts";
import type { Place } from "./kinds.ts";
import { checkId, pairsOrNull, readAlias } from "./read_item.ts";

const entityFields = {
  id: field.string("ID of the entity.", ""),
  name: field.string("Its name.", ""),
  metadata: field.any("Texts by name."),
  policies: field.list("Its policies.", []),
  disabled: field.bool("It can't log in.", false),
  created: field.int("Milliseconds since the epoch.", 0),
  updated: field.int("Milliseconds since the epoch.", 0),
  merged_ids: field.list("IDs of entities that were merged into it.", []),
  aliases: field.any("Its aliases."),
};

function checkTimesOf({ created, updated }: Record<"created" | "updated", number>): void {
  checkTimes({ created, updated });
}

/** Undefined where its mount is not there: in a dry run that may still come. */
function aliasOf(services: Services, dryRun: boolean, value: unknown): Alias | undefined {
  const given = readAlias(value);
  const mounted = services.mounts.router.at(given.mount);
  if (mounted === undefined) {
    if (dryRun) return undefined;
    throw badRequest(`nothing is mounted at ${given.mount}`);
  }
  if (given.name === "") throw badRequest("an alias has no name");
  checkTimesOf(given);
  return {
    id: checkId("an alias's id", given.id),
    name: given.name,
    mountAccessor: mounted.entry.accessor,
    metadata: pairsOrNull(given.metadata),
    customMetadata: pairsOrNull(given.custom_metadata),
    creationTime: given.created,
    lastUpdateTime: given.updated,
    mergedFrom: given.merged_from,
    local: given.local,
  };
}

export async function putEntity(place: Place, { data }: Item): Promise<void> {
  const { services, transaction, dryRun } = place;
  const { entities } = services.identity;
  const given = readFields(entityFields, data);
  if (given.name === "") throw badRequest("an entity has no name");
  checkTimesOf(given);
  const values = Array.isArray(given.aliases) ? given.aliases : [];
  const entity: Entity = {
    id: checkId("id", given.id),
    name: given.name,
    metadata: pairsOrNull(given.metadata),
    policies: given.policies,
    disabled: given.disabled,
    creationTime: given.created,
    lastUpdateTime: given.updated,
    mergedEntityIds: given.merged_ids.map((id) => checkId("merged_ids", id)),
    aliases: values.flatMap((value) => aliasOf(services, dryRun, value) ?? []),
    namespaceId: rootNamespace.id,
  };
  await entities.save(transaction, entity, await entities.get(transaction, entity.id));
  // Saving tells the time of the change; what comes over keeps its own.
  transaction.put(prefixes.entity + entity.id, utf8(JSON.stringify(entity)));
  for (const id of entity.mergedEntityIds) transaction.put(prefixes.merged + id, utf8(entity.id));
}

const groupFields = {
  id: field.string("ID of the group.", ""),
  name: field.string("Its name.", ""),
  type: field.string("internal or external.", "internal"),
  metadata: field.any("Texts by name."),
  policies: field.list("Its policies.", []),
  created: field.int("Milliseconds since the epoch.", 0),
  updated: field.int("Milliseconds since the epoch.", 0),
  modify_index: field.int("Counts its changes.", 1),
  members_given: field.bool("Whether entities were ever named.", false),
  alias: field.any("Of an external one."),
};

export async function putGroup(place: Place, { data }: Item): Promise<void> {
  const { services, transaction, dryRun } = place;
  const { groups } = services.identity;
  const given = readFields(groupFields, data);
  if (given.name === "") throw badRequest("a group has no name");
  checkTimesOf(given);
  if (given.type !== "internal" && given.type !== "external") {
    throw badRequest("type must be internal or external");
  }
  const alias = given.alias === undefined || given.alias === null
    ? undefined
    : aliasOf(services, dryRun, given.alias);
  const group: Group = {
    id: checkId("id", given.id),
    name: given.name,
    type: given.type,
    metadata: pairsOrNull(given.metadata),
    policies: given.policies.length === 0 ? null : given.policies,
    membersGiven: given.members_given,
    creationTime: given.created,
    lastUpdateTime: given.updated,
    modifyIndex: given.modify_index,
    alias: alias ?? null,
    namespaceId: rootNamespace.id,
  };
  await groups.save(transaction, group, await groups.get(transaction, group.id));
  transaction.put(prefixes.group + group.id, utf8(JSON.stringify(group)));
}

const membersFields = {
  id: field.string("ID of the group.", ""),
  entity_ids: field.list("Entities in it.", []),
  parent_ids: field.list("Groups that it is in.", []),
};

/** Adds members; who is in the group already stays. */
export async function putMembers({ services, transaction }: Place, { data }: Item): Promise<void> {
  const { entities, groups } = services.identity;
  const given = readFields(membersFields, data);
  const id = checkId("id", given.id);
  if (await groups.get(transaction, id) === undefined) throw badRequest("the group is not there");
  for (const entityId of given.entity_ids) {
    if (await entities.get(transaction, entityId) === undefined) {
      throw badRequest(`its member ${entityId} is not there`);
    }
    groups.addEntity(transaction, id, entityId);
  }
  for (const parent of given.parent_ids) await groups.addGroup(transaction, parent, id);
}
