/** Entities, groups and aliases as the API shows them. */
import type { Services } from "../../core/services.ts";
import type { Alias, Entity, Group, Metadata } from "../../identity/types.ts";
import type { IdentityView } from "../../identity/views.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import { type JsonObject, orNull } from "../../logical/json.ts";
import type { Transaction } from "../../storage/transaction.ts";

function metadataBody(metadata: Metadata | null): JsonObject | null {
  return metadata === null ? null : { ...metadata };
}

/** The mount of an alias; it may be gone. */
export function mountOf(services: Services, accessor: string): JsonObject {
  const entry = services.mounts.byAccessor(accessor)?.entry;
  return {
    mount_accessor: accessor,
    mount_path: entry === undefined ? "" : services.mounts.info(entry).path,
    mount_type: entry?.type ?? "",
  };
}

export function aliasBody(services: Services, alias: Alias, canonicalId: string): JsonObject {
  return {
    canonical_id: canonicalId,
    creation_time: rfc3339(alias.creationTime),
    custom_metadata: metadataBody(alias.customMetadata),
    id: alias.id,
    last_update_time: rfc3339(alias.lastUpdateTime),
    local: alias.local,
    merged_from_canonical_ids: orNull(alias.mergedFrom),
    metadata: metadataBody(alias.metadata),
    ...mountOf(services, alias.mountAccessor),
    name: alias.name,
  };
}

/** An alias among others. */
export function aliasInfo(services: Services, alias: Alias, canonicalId: string): JsonObject {
  return {
    name: alias.name,
    canonical_id: canonicalId,
    custom_metadata: metadataBody(alias.customMetadata),
    metadata: metadataBody(alias.metadata),
    local: alias.local,
    ...mountOf(services, alias.mountAccessor),
  };
}

export function entityBody(services: Services, view: IdentityView): JsonObject {
  const { entity, directGroups, groups } = view;
  const inherited = groups.filter(({ id }) => !directGroups.includes(id));
  return {
    aliases: entity.aliases.map((alias) => aliasBody(services, alias, entity.id)),
    creation_time: rfc3339(entity.creationTime),
    direct_group_ids: [...directGroups],
    disabled: entity.disabled,
    group_ids: groups.map(({ id }) => id),
    id: entity.id,
    inherited_group_ids: inherited.map(({ id }) => id),
    last_update_time: rfc3339(entity.lastUpdateTime),
    merged_entity_ids: orNull(entity.mergedEntityIds),
    metadata: metadataBody(entity.metadata),
    name: entity.name,
    namespace_id: entity.namespaceId,
    policies: [...entity.policies],
  };
}

/** An entity among others. */
export function entityInfo(services: Services, entity: Entity): JsonObject {
  if (entity.aliases.length === 0) return { name: entity.name };
  return {
    name: entity.name,
    aliases: entity.aliases.map(({ id, name, mountAccessor }) => ({
      id,
      name,
      ...mountOf(services, mountAccessor),
    })),
  };
}

export async function groupBody(
  services: Services,
  transaction: Transaction,
  group: Group,
): Promise<JsonObject> {
  const { groups } = services.identity;
  const members = await groups.entityMembers(transaction, group.id);
  const alias: JsonObject = group.alias === null ? {} : aliasBody(services, group.alias, group.id);
  return {
    alias,
    creation_time: rfc3339(group.creationTime),
    id: group.id,
    last_update_time: rfc3339(group.lastUpdateTime),
    member_entity_ids: group.membersGiven ? members : orNull(members),
    member_group_ids: orNull(await groups.groupMembers(transaction, group.id)),
    metadata: metadataBody(group.metadata),
    modify_index: group.modifyIndex,
    name: group.name,
    namespace_id: group.namespaceId,
    parent_group_ids: orNull(await groups.parents(transaction, group.id)),
    policies: group.policies === null ? null : [...group.policies],
    type: group.type,
  };
}

/** A group among others. */
export async function groupInfo(
  services: Services,
  transaction: Transaction,
  group: Group,
): Promise<JsonObject> {
  const { groups } = services.identity;
  return {
    name: group.name,
    num_member_entities: (await groups.entityMembers(transaction, group.id)).length,
    num_parent_groups: (await groups.parents(transaction, group.id)).length,
  };
}
