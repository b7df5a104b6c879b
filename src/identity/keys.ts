/**
 * Where identity lies in storage. Each question that a request asks (who has this name, this
 * alias, which groups is it in) is one key or one short listing, however many entities there are.
 */

const root = "identity/";

export const prefixes = {
  entity: `${root}entity/id/`,
  entityName: `${root}entity/name/`,
  entityAlias: `${root}alias/id/`,
  entityAliasName: `${root}alias/name/`,
  group: `${root}group/id/`,
  groupName: `${root}group/name/`,
  groupAlias: `${root}group-alias/id/`,
  groupAliasName: `${root}group-alias/name/`,
  /** By member, then group: what an entity or group belongs to. */
  groupsOfEntity: `${root}member/entity/`,
  groupsOfGroup: `${root}member/group/`,
  /** By group, then member. */
  entitiesOfGroup: `${root}group-member/entity/`,
  groupsInGroup: `${root}group-member/group/`,
  /** Old ID of a merged entity to the ID of what it became. */
  merged: `${root}merged/`,
} as const;

/** Names have no case; any character may be in them. */
export function nameKey(name: string): string {
  return encodeURIComponent(name.toLowerCase());
}

export function aliasKey(accessor: string, name: string): string {
  return `${encodeURIComponent(accessor)}/${nameKey(name)}`;
}

/** The second to last segment of an index key, relative to its prefix. */
export function ownerIn(key: string, prefix: string): string {
  const rest = key.slice(prefix.length);
  const slash = rest.indexOf("/");
  return slash < 0 ? rest : rest.slice(0, slash);
}
