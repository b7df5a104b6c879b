/** Changing the password of a static role's user. */
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import { checkAllowed, readConfig } from "./config.ts";
import { databaseRefusal, type Engine } from "./engine.ts";
import { makePassword } from "./password.ts";
import { DatabaseFailure } from "./plugin.ts";
import {
  deleteStaticRole,
  readStaticRole,
  saveStaticRole,
  type StaticRole,
} from "./static_role.ts";

/**
 * Keeps a new password as the coming one with this request, and puts it in force before the answer.
 * A crash in between is made good by the next rotation, which tries that same password again.
 */
export async function rotateLater(
  engine: Engine,
  call: Call,
  name: string,
  role: StaticRole,
): Promise<void> {
  const config = await readConfig(call.storage, role.dbName);
  checkAllowed(config, name);
  const { random } = engine.services().tokens;
  const pendingPassword = role.pendingPassword ||
    await makePassword(call.transaction, config.passwordPolicy, random);
  saveStaticRole(call.storage, name, { ...role, pendingPassword });
  const { uuid } = call.mount;
  call.transaction.beforeAnswer(() =>
    engine.rotations.take(`static/${name}`, () => apply(engine, uuid, name))
  );
}

async function apply(engine: Engine, uuid: string, name: string): Promise<void> {
  const { transactions, tokens } = engine.services();
  const found = await transactions.run(async (transaction) => {
    const storage = transaction.within(`logical/${uuid}/`);
    const role = await readStaticRole(storage, name);
    return role && { role, config: await readConfig(storage, role.dbName) };
  });
  // Another rotation has put it in force, or the role is gone.
  if (found === undefined || found.role.pendingPassword === "") return;
  const { role, config } = found;
  const { username, pendingPassword: password } = role;
  const plugin = engine.connections.plugin(config.pluginName);
  const own = role.rotateStatements;
  try {
    const database = await engine.connections.get(config);
    const statements = own.length === 0 ? plugin.rotateStatements : own;
    await database.run(statements, { name: username, username, password });
  } catch (error) {
    await giveUp(engine, uuid, name, error);
    throw databaseRefusal("the password of the database user could not be changed", error);
  }
  await transactions.run(async (transaction) => {
    const storage = transaction.within(`logical/${uuid}/`);
    const now = await readStaticRole(storage, name);
    if (now === undefined) return;
    const lastRotation = tokens.clock.now();
    saveStaticRole(storage, name, { ...now, password, pendingPassword: "", lastRotation });
  });
}

/** Where the database has surely not changed: a role that never had a password is none. */
async function giveUp({ services }: Engine, uuid: string, name: string, error: unknown) {
  if (!(error instanceof DatabaseFailure) || !error.unchanged) return;
  await services().transactions.run(async (transaction) => {
    const storage = transaction.within(`logical/${uuid}/`);
    const role = await readStaticRole(storage, name);
    if (role === undefined) return;
    if (role.password === "") deleteStaticRole(storage, name);
    else saveStaticRole(storage, name, { ...role, pendingPassword: "" });
  });
}

/** The role, or a 400. */
export async function requireStaticRole(call: Call, name: string): Promise<StaticRole> {
  const role = await readStaticRole(call.storage, name);
  if (role === undefined) throw badRequest(`unknown role: ${name}`);
  return role;
}
