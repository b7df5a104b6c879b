/** Changing the password of a static role's user. */
import { badRequest, Failure } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { Transaction } from "../../storage/transaction.ts";
import {
  checkAllowed,
  type ConnectionConfig,
  isSelfManaged,
  openSettings,
  readConfig,
} from "./config.ts";
import { databaseRefusal, type Engine, mountOf, type MountRef } from "./engine.ts";
import { makePassword } from "./password.ts";
import { type Database, DatabaseFailure } from "./plugin.ts";
import { rotationAfter } from "./rotation_times.ts";
import {
  deleteStaticRole,
  readStaticRole,
  saveStaticRole,
  type StaticRole,
} from "./static_role.ts";
import { useDatabase } from "./use_database.ts";

const notChanged = "the password of the database user could not be changed";

/** What a rotation knows of its role from when it was prepared. */
export interface Prepared {
  /** It is a new password, that no earlier try can have put in force. */
  readonly isNew: boolean;
  readonly password: string;
  /** When the one before was put in force; milliseconds since the epoch. */
  readonly lastRotation: number;
}

/**
 * Keeps a new password as the coming one, in the caller's transaction; `rotateNow` puts it in force
 * after that. A crash in between is made good by the next rotation, which tries that same one.
 * Undefined where there is no such role.
 */
export async function prepareRotation(
  engine: Engine,
  transaction: Transaction,
  { prefix }: MountRef,
  name: string,
  given?: StaticRole,
): Promise<Prepared | undefined> {
  const storage = transaction.within(prefix);
  const role = given ?? await readStaticRole(storage, name);
  if (role === undefined) return undefined;
  const config = await readConfig(storage, role.dbName);
  checkAllowed(config, name);
  const { random } = engine.services().tokens;
  const pendingPassword = role.pendingPassword ||
    await makePassword(transaction, config.passwordPolicy, random);
  saveStaticRole(storage, name, { ...role, pendingPassword });
  return {
    isNew: role.pendingPassword === "",
    password: pendingPassword,
    lastRotation: role.lastRotation,
  };
}

/** Rotates with a request: kept with its commit, in force before its answer. */
export async function rotateLater(
  engine: Engine,
  call: Call,
  name: string,
  role: StaticRole,
): Promise<void> {
  const mount = mountOf(call);
  const prepared = await prepareRotation(engine, call.transaction, mount, name, role);
  if (prepared === undefined) return;
  call.transaction.beforeAnswer(() => rotateNow(engine, mount, name, prepared));
}

/** Puts the coming password of a role in force, where there is one. */
export async function rotateNow(
  engine: Engine,
  mount: MountRef,
  name: string,
  prepared: Prepared,
): Promise<void> {
  await engine.rotations.take(`static/${name}`, () => apply(engine, mount, name, prepared));
}

interface Found {
  readonly role: StaticRole;
  readonly config: ConnectionConfig;
}

async function apply(
  engine: Engine,
  mount: MountRef,
  name: string,
  prepared: Prepared,
): Promise<void> {
  const { transactions, tokens } = engine.services();
  const found = await transactions.run(async (transaction) => {
    const storage = transaction.within(mount.prefix);
    const role = await readStaticRole(storage, name);
    return role && { role, config: await readConfig(storage, role.dbName) };
  });
  if (found === undefined) throw unknownRole(name);
  if (found.role.pendingPassword === "") {
    // Another rotation, of somebody who asked at the same time, has had the same password to itself.
    if (found.role.password === prepared.password) return;
    if (found.role.lastRotation !== prepared.lastRotation) return;
    throw new Failure(500, `${notChanged}: another try at the same time failed`);
  }
  const { role, config } = found;
  const { username, pendingPassword: password } = role;
  const plugin = engine.connections.plugin(config.pluginName);
  const own = role.rotateStatements;
  try {
    const statements = own.length === 0 ? plugin.rotateStatements : own;
    const values = { name: username, username, password };
    const run = (it: Database) => it.run("rotate", statements, values);
    if (isSelfManaged(config)) await asUser(engine, found, run);
    else await useDatabase(engine, mount, config, run);
  } catch (error) {
    if (prepared.isNew) await giveUp(engine, mount, name, error);
    throw databaseRefusal(notChanged, error);
  }
  await transactions.run(async (transaction) => {
    const storage = transaction.within(mount.prefix);
    const now = await readStaticRole(storage, name);
    if (now === undefined) return;
    const lastRotation = tokens.clock.now();
    const nextRotation = await rotationAfter(lastRotation, now);
    const { retry: _, ...rest } = now;
    const rotated = { ...rest, password, pendingPassword: "", lastRotation, nextRotation };
    saveStaticRole(storage, name, rotated);
    transaction.afterCommit(() => engine.schedule.nudge(nextRotation));
  });
}

/** Logs in as the role's own user, with its password or the one that a broken-off rotation has set. */
async function asUser(
  engine: Engine,
  { role, config }: Found,
  run: (database: Database) => Promise<void>,
): Promise<void> {
  const { username, password, pendingPassword } = role;
  const passwords = [password, pendingPassword];
  const settings = { ...openSettings(config), username, passwords };
  const database = await engine.connections.plugin(config.pluginName).open(settings);
  try {
    await run(database);
  } finally {
    await database.close();
  }
}

/** Where the database has surely not changed: a role that never had a password is none. */
async function giveUp({ services }: Engine, mount: MountRef, name: string, error: unknown) {
  if (!(error instanceof DatabaseFailure) || !error.unchanged) return;
  await services().transactions.run(async (transaction) => {
    const storage = transaction.within(mount.prefix);
    const role = await readStaticRole(storage, name);
    if (role === undefined) return;
    if (role.lastRotation === 0 && !role.skipImportRotation) await deleteStaticRole(storage, name);
    else saveStaticRole(storage, name, { ...role, pendingPassword: "" });
  });
}

/** The role, or a 400. */
export async function requireStaticRole(call: Call, name: string): Promise<StaticRole> {
  const role = await readStaticRole(call.storage, name);
  if (role === undefined) throw unknownRole(name);
  return role;
}

function unknownRole(name: string): Failure {
  return badRequest(`unknown role: ${name}`);
}
