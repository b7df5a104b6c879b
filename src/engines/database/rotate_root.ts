/** `rotate-root/`: a password for our own access that nobody but us knows. */
import { badRequest } from "../../base/failure.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Awaitable } from "../../base/awaitable.ts";
import type { Call } from "../../core/backend.ts";
import type { Transaction, View } from "../../storage/transaction.ts";
import {
  type ConnectionConfig,
  openSettings,
  readConfig,
  requireAccount,
  saveConfig,
} from "./config.ts";
import { databaseRefusal, type Engine, mountOf, type MountRef } from "./engine.ts";
import { makePassword } from "./password.ts";
import { DatabaseFailure } from "./plugin.ts";
import { rotates, rotationAfter } from "./rotation_times.ts";
import { useDatabase } from "./use_database.ts";

/** The connection's own password, where it can be changed. */
async function rotatable(engine: Engine, storage: View, name: string): Promise<ConnectionConfig> {
  const config = await readConfig(storage, name);
  requireAccount(config);
  if (config.username === "") throw badRequest("the connection has no username to rotate");
  engine.connections.plugin(config.pluginName).checkRotation(openSettings(config));
  return config;
}

/**
 * The new password is kept as a possible one before the database hears of it, so that after a crash
 * at any moment one of those that are kept is right.
 */
async function prepare(
  engine: Engine,
  transaction: Transaction,
  storage: View,
  config: ConnectionConfig,
): Promise<string> {
  const { random } = engine.services().tokens;
  const password = await makePassword(transaction, config.passwordPolicy, random);
  saveConfig(storage, {
    ...config,
    pendingPasswords: [password, ...config.pendingPasswords],
    revision: random.uuid(),
  });
  return password;
}

async function rotate(engine: Engine, call: Call, name: string): Promise<void> {
  const config = await rotatable(engine, call.storage, name);
  const password = await prepare(engine, call.transaction, call.storage, config);
  const mount = mountOf(call);
  call.transaction.beforeAnswer(() =>
    engine.rotations.take(`root/${name}`, () => apply(engine, mount, name, password, true))
  );
}

/**
 * The same when its time has come, without anybody asking. A password that an earlier try may have put
 * in force is tried again, so that tries that fail don't add up.
 */
export async function rotateRootNow(engine: Engine, mount: MountRef, name: string): Promise<void> {
  const { transactions } = engine.services();
  await engine.rotations.take(`root/${name}`, async () => {
    const { password, isNew } = await transactions.run(async (transaction) => {
      const storage = transaction.within(mount.prefix);
      const config = await rotatable(engine, storage, name);
      const [pending] = config.pendingPasswords;
      const password = pending ?? await prepare(engine, transaction, storage, config);
      return { password, isNew: pending === undefined };
    });
    await apply(engine, mount, name, password, isNew);
  });
}

/** `isNew`: no earlier try can have put the password in force. */
async function apply(
  engine: Engine,
  mount: MountRef,
  name: string,
  password: string,
  isNew: boolean,
): Promise<void> {
  const { prefix } = mount;
  const { transactions, tokens } = engine.services();
  const change = (edit: (config: ConnectionConfig) => Awaitable<ConnectionConfig>) =>
    transactions.run(async (transaction) => {
      const storage = transaction.within(prefix);
      const config = await edit(await readConfig(storage, name));
      saveConfig(storage, { ...config, revision: tokens.random.uuid() });
    });
  const config = await transactions.run(async (transaction) => {
    const storage = transaction.within(prefix);
    const now = await readConfig(storage, name);
    if (now.pendingPasswords.includes(password)) return now;
    // A rotation that was asked for later came first and took it for overwritten.
    const kept = { ...now, pendingPasswords: [password, ...now.pendingPasswords] };
    saveConfig(storage, kept);
    return kept;
  });
  const { username } = config;
  const own = config.rotateStatements;
  const plugin = engine.connections.plugin(config.pluginName);
  const statements = own.length === 0 ? plugin.rotateStatements : own;
  try {
    const values = { name: username, username, password };
    await useDatabase(engine, mount, config, (it) => it.run("rotate", statements, values));
  } catch (error) {
    if (isNew && error instanceof DatabaseFailure && error.unchanged) {
      await change((now) => ({
        ...now,
        pendingPasswords: now.pendingPasswords.filter((one) => one !== password),
      }));
    }
    throw databaseRefusal("the password could not be rotated", error);
  }
  await change(async ({ retry: _, ...now }) => {
    const at = now.pendingPasswords.indexOf(password);
    // Those after it are older: whatever became of them is overwritten now.
    const pendingPasswords = now.pendingPasswords.slice(0, Math.max(0, at));
    const lastRotation = tokens.clock.now();
    const nextRotation = rotates(now) ? await rotationAfter(lastRotation, now) : 0;
    return { ...now, password, pendingPasswords, lastRotation, nextRotation };
  });
  engine.connections.close(name);
}

export function rotateRootPath(engine: Engine): Path {
  return path("rotate-root/:name", {
    summary: "Changes the password that a connection logs in with.",
    params: { name: "The connection" },
    operations: {
      update: {
        summary: "Changes the password that a connection logs in with.",
        handler: (call, { name }) => rotate(engine, call, name),
      },
    },
  });
}
