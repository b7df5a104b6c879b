/** Entities with their aliases, and groups. They lie many to a bucket. */
import type { JsonObject } from "../logical/json.ts";
import type { Item } from "./items.ts";
import { type ForeignMount, isOfRoot } from "./mount_table.ts";
import type { Opened } from "./opened.ts";
import { UnreadableError } from "./unreadable.ts";
import { Message } from "./wire.ts";

/** Messages in all buckets of a folder. */
async function* inBuckets(opened: Opened, folder: string): AsyncGenerator<Message> {
  for (const key of opened.below(folder)) {
    const bucket = await opened.decoded(key, (bytes) => messagesIn(new Message(bytes)));
    yield* bucket ?? [];
  }
}

/** A bucket is a list of items, or a map; either way an Any stands second and says what it holds. */
function messagesIn(bucket: Message): Message[] {
  return [...bucket.messages(2), ...bucket.messages(3)].map((item) => {
    const packed = item.message(2);
    if (packed === undefined || !/[./]identity\./.test(packed.text(1))) {
      throw new UnreadableError("it holds something that is no part of the identity");
    }
    return new Message(packed.bytes(2));
  });
}

/** `paths` tells where the mount with an accessor is, for mounts that are brought over. */
export async function* identityItems(
  opened: Opened,
  { prefix }: ForeignMount,
  paths: ReadonlyMap<string, string>,
): AsyncGenerator<Item> {
  const inNamespace = "it is of a namespace; there are none here";
  for await (const entity of inBuckets(opened, `${prefix}packer/buckets/`)) {
    if (isOfRoot(entity.text(12))) yield entityItem(opened, entity, paths);
    else opened.account.leave(`entity ${entity.text(3)}`, inNamespace);
  }
  const groups: Message[] = [];
  for await (const group of inBuckets(opened, `${prefix}packer/group/buckets/`)) {
    if (isOfRoot(group.text(13))) groups.push(group);
    else opened.account.leave(`group ${group.text(2)}`, inNamespace);
  }
  for (const group of groups) yield groupItem(opened, group, paths);
  for (const group of groups) yield membersItem(group);
  opened.leaveBelow(
    `${prefix}packer/local-aliases/`,
    "local aliases",
    "they belong to the cluster that made them",
  );
  for (const part of ["oidc_tokens/", "oidc_provider/", "oidc_config/"]) {
    opened.leaveBelow(
      `${prefix}${part}`,
      "keys, roles and clients of identity tokens",
      "set them anew below identity/oidc",
    );
  }
  opened.leaveBelow(`${prefix}mfa/`, "MFA methods", "there are none in this build");
  for (const key of opened.below(`${prefix}casesensitivity`)) opened.account.take(key);
}

function entityItem(opened: Opened, entity: Message, paths: ReadonlyMap<string, string>): Item {
  const name = entity.text(3);
  const aliases: JsonObject[] = [];
  for (const alias of entity.messages(1)) {
    const data = aliasData(alias, paths);
    if (data === undefined) leaveAlias(opened, `entity ${name}`);
    else aliases.push(data);
  }
  return {
    kind: "entity",
    path: name,
    data: {
      id: entity.text(2),
      name,
      metadata: orNull(entity.pairs(4)),
      created: entity.time(5),
      updated: entity.time(6),
      merged_ids: entity.texts(7),
      policies: entity.texts(8),
      disabled: entity.flag(11),
      aliases,
    },
  };
}

function groupItem(opened: Opened, group: Message, paths: ReadonlyMap<string, string>): Item {
  const name = group.text(2);
  const alias = group.message(11);
  const data = alias === undefined ? undefined : aliasData(alias, paths);
  if (alias !== undefined && data === undefined) leaveAlias(opened, `group ${name}`);
  return {
    kind: "group",
    path: name,
    data: {
      id: group.text(1),
      name,
      type: group.text(12) || "internal",
      policies: group.texts(3),
      metadata: orNull(group.pairs(6)),
      created: group.time(7),
      updated: group.time(8),
      modify_index: group.number(9),
      members_given: group.texts(5).length > 0,
      alias: data ?? null,
    },
  };
}

/** Groups name those they are in; both must be there first. */
function membersItem(group: Message): Item {
  return {
    kind: "members",
    path: group.text(2),
    data: { id: group.text(1), entity_ids: group.texts(5), parent_ids: group.texts(4) },
  };
}

function aliasData(alias: Message, paths: ReadonlyMap<string, string>): JsonObject | undefined {
  const mount = paths.get(alias.text(4));
  if (mount === undefined) return undefined;
  return {
    id: alias.text(1),
    mount,
    name: alias.text(7),
    metadata: orNull(alias.pairs(6)),
    custom_metadata: orNull(alias.pairs(12)),
    created: alias.time(8),
    updated: alias.time(9),
    merged_from: alias.texts(10),
    local: alias.flag(13),
  };
}

function leaveAlias(opened: Opened, whose: string): void {
  opened.account.leave(`an alias of ${whose}`, "its auth method was not brought over");
}

function orNull(pairs: Record<string, string>): JsonObject | null {
  return Object.keys(pairs).length === 0 ? null : pairs;
}
