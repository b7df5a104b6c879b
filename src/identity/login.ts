/** The entity of a login: the one that its alias names, or a new one. */
import { type Awaitable, chain } from "../base/awaitable.ts";
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
export function identityOfLogin(
  identity: Identity,
  transaction: Transaction,
  login: LoginIdentity,
): Awaitable<IdentityView> {
  const { entities } = identity;
  return chain(entities.byAlias(transaction, login.accessor, login.name), (found) => {
    const changesNothing = found !== undefined && login.groups === undefined &&
      staleAlias(login, found) === undefined;
    return changesNothing
      ? viewOf(identity, transaction, found)
      : changedIdentity(identity, transaction, login, found);
  });
}

async function changedIdentity(
  identity: Identity,
  transaction: Transaction,
  login: LoginIdentity,
  found: Entity | undefined,
): Promise<IdentityView> {
  const entity = found === undefined
    ? await makeEntity(identity, transaction, login)
    : await refreshAlias(identity, transaction, login, found);
  if (login.groups !== undefined) {
    await followGroups(identity, transaction, entity.id, login.accessor, login.groups);
  }
  return await viewOf(identity, transaction, entity);
}

function viewOf(
  { views }: Identity,
  transaction: Transaction,
  entity: Entity,
): Awaitable<IdentityView> {
  return chain(
    views.get(transaction, entity.id),
    (view) => view ?? views.build(transaction, entity),
  );
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

/** The alias that a login comes by, where its metadata is not what it was: most logins change nothing. */
function staleAlias({ accessor, metadata }: LoginIdentity, entity: Entity): Alias | undefined {
  if (metadata === undefined) return undefined;
  const alias = entity.aliases.find(({ mountAccessor }) => mountAccessor === accessor);
  return alias === undefined || sameMetadata(alias.metadata ?? {}, metadata) ? undefined : alias;
}

async function refreshAlias(
  { entities }: Identity,
  transaction: Transaction,
  login: LoginIdentity,
  entity: Entity,
): Promise<Entity> {
  const { metadata } = login;
  const alias = staleAlias(login, entity);
  if (metadata === undefined || alias === undefined) return entity;
  const changed: Alias = { ...alias, metadata, lastUpdateTime: entities.clock.now() };
  const after = { ...entity, aliases: entity.aliases.map((a) => a === alias ? changed : a) };
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
