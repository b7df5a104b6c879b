/** `rotate-root/`: a password for our own access that nobody but us knows. */
import { badRequest } from "../../base/failure.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { type ConnectionConfig, openSettings, readConfig, saveConfig } from "./config.ts";
import { databaseRefusal, type Engine } from "./engine.ts";
import { makePassword } from "./password.ts";
import { DatabaseFailure } from "./plugin.ts";

/**
 * The new password is kept as a possible one before the database hears of it, so that after a crash
 * at any moment one of those that are kept is right.
 */
async function rotate(engine: Engine, call: Call, name: string): Promise<void> {
  const { random } = engine.services().tokens;
  const config = await readConfig(call.storage, name);
  if (config.username === "") throw badRequest("the connection has no username to rotate");
  engine.connections.plugin(config.pluginName).checkRotation(openSettings(config));
  const password = await makePassword(call.transaction, config.passwordPolicy, random);
  saveConfig(call.storage, {
    ...config,
    pendingPasswords: [password, ...config.pendingPasswords],
    revision: random.uuid(),
  });
  call.transaction.beforeAnswer(() =>
    engine.rotations.take(`root/${name}`, () => apply(engine, call.mount.uuid, name, password))
  );
}

async function apply(engine: Engine, uuid: string, name: string, password: string): Promise<void> {
  const { transactions, tokens } = engine.services();
  const change = (edit: (config: ConnectionConfig) => ConnectionConfig) =>
    transactions.run(async (transaction) => {
      const storage = transaction.within(`logical/${uuid}/`);
      const config = edit(await readConfig(storage, name));
      saveConfig(storage, { ...config, revision: tokens.random.uuid() });
    });
  const config = await transactions.run((transaction) =>
    readConfig(transaction.within(`logical/${uuid}/`), name)
  );
  const { username } = config;
  const own = config.rotateStatements;
  const plugin = engine.connections.plugin(config.pluginName);
  const statements = own.length === 0 ? plugin.rotateStatements : own;
  try {
    const database = await engine.connections.get(config);
    await database.run("rotate", statements, { name: username, username, password });
  } catch (error) {
    if (error instanceof DatabaseFailure && error.unchanged) {
      await change((now) => ({
        ...now,
        pendingPasswords: now.pendingPasswords.filter((one) => one !== password),
      }));
    }
    throw databaseRefusal("the password could not be rotated", error);
  }
  await change((now) => {
    const at = now.pendingPasswords.indexOf(password);
    // Those after it are older: whatever became of them is overwritten now.
    return { ...now, password, pendingPasswords: now.pendingPasswords.slice(0, Math.max(0, at)) };
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
