/** Doing something with a database whose password may be changing meanwhile. */
import { type ConnectionConfig, findConfig } from "./config.ts";
import type { View } from "../../storage/transaction.ts";
import type { Engine, MountRef } from "./engine.ts";
import { type Database, DatabaseFailure } from "./plugin.ts";

/** Changes of a connection that one use may run into. */
const mostTries = 4;

/**
 * Does something with a connection's pool. Where we are not let in, and the connection has changed
 * since its settings were read, or its password is about to be another, it is tried anew with what
 * holds now. Who does so in a transaction gives its view: one within another might wait for that one.
 * Throws `DatabaseFailure`.
 */
export async function useDatabase<T>(
  engine: Engine,
  mount: MountRef,
  config: ConnectionConfig,
  body: (database: Database) => Promise<T>,
  view?: View,
): Promise<T> {
  let current = config;
  for (let tries = 1;; tries++) {
    try {
      return await engine.connections.use(current, body);
    } catch (error) {
      if (tries === mostTries || !isShutOut(error)) throw error;
      const now = view === undefined
        ? await read(engine, mount, config.name)
        : await findConfig(view, config.name);
      if (now === undefined) throw error;
      if (now.revision === current.revision) {
        if (tries > 1 || now.pendingPasswords.length === 0) throw error;
        // Opened anew, it finds out which of them is right by now.
        engine.connections.close(config.name);
      }
      current = now;
    }
  }
}

function isShutOut(error: unknown): boolean {
  return error instanceof DatabaseFailure && error.unchanged && error.unavailable;
}

async function read(
  { services }: Engine,
  { prefix }: MountRef,
  name: string,
): Promise<ConnectionConfig | undefined> {
  return await services().transactions.run((t) => findConfig(t.within(prefix), name));
}
