/** The entity of a login: the one that its alias names, or a new one. */
import type { Transaction } from "../storage/transaction.ts";
import type { Identity } from "./identity.ts";
import type { Alias, Entity, Metadata } from "./types.ts";
import type { IdentityView } from "./views.ts";

/** What an auth method knows of who logged in. */
export interface LoginIdentity {
  readonly accessor: string;
  readonly local: boolean;
  readonly name: string;
  /** undefined leaves what the alias has. */
  readonly metadata: Metadata | undefined;
  /** Names of groups of the outside world; undefined where the method knows nothing of groups. */
  readonly groups: readonly string[] | undefined;
}

/** Finds or makes entity and alias, and lets the entity's external groups follow the login. */
export async function identityOfLogin(
  identity: Identity,
  transaction: Transaction,
  login: LoginIdentity,
): Promise<IdentityView> {
  const { entities, views } = identity;
  const found = await entities.byAlias(transaction, login.accessor, login.name);
  const entity = found === undefined
    ? await makeEntity(identity, transaction, login)
    : await refreshAlias(identity, transaction, login, found);
  if (login.groups !== undefined) {
    await followGroups(identity, transaction, entity.id, login.accessor, login.groups);
  }
  return await views.get(transaction, entity.id) ?? await views.build(transaction, entity);
}

async function makeEntity(
  { entities }: Identity,
  transaction: Transaction,
  { accessor, name, metadata, local }: LoginIdentity,
): Promise<Entity> {
  const alias = entities.makeAlias({
    name,
    mountAccessor: accessor,
    metadata: metadata ?? null,
    local,
  });
  const entity = entities.make({ aliases: [alias] });
  await entities.save(transaction, entity, undefined);
  return entity;
}

/** Writes only where the metadata is not what it was: most logins change nothing. */
async function refreshAlias(
  { entities }: Identity,
  transaction: Transaction,
  login: LoginIdentity,
  entity: Entity,
): Promise<Entity> {
  const { metadata } = login;
  if (metadata === undefined) return entity;
  const isIt = (alias: Alias) => alias.mountAccessor === login.accessor;
  const alias = entity.aliases.find(isIt);
  if (alias === undefined || sameMetadata(alias.metadata ?? {}, metadata)) return entity;
  const changed: Alias = { ...alias, metadata, lastUpdateTime: entities.clock.now() };
  const after = { ...entity, aliases: entity.aliases.map((a) => isIt(a) ? changed : a) };
  await entities.save(transaction, after, entity);
  return after;
}

/** Joins the external groups whose aliases the login names, leaves this mount's others. */
export async function followGroups(
  { groups }: Identity,
  transaction: Transaction,
  entityId: string,
  accessor: string,
  names: readonly string[],
): Promise<void> {
  const wanted = new Set<string>();
  for (const name of names) {
    const group = await groups.byAlias(transaction, accessor, name);
    if (group !== undefined) wanted.add(group.id);
  }
  for (const id of await groups.ofEntity(transaction, entityId)) {
    if (wanted.delete(id)) continue;
    const group = await groups.get(transaction, id);
    if (group?.type === "external" && group.alias?.mountAccessor === accessor) {
      groups.removeEntity(transaction, id, entityId);
    }
  }
  for (const id of wanted) groups.addEntity(transaction, id, entityId);
}

function sameMetadata(a: Metadata, b: Metadata): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
