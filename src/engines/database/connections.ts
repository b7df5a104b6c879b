/** The open pools of one mount. */
import { Failure } from "../../base/failure.ts";
import { type ConnectionConfig, openSettings } from "./config.ts";
import type { Database, DatabasePlugin } from "./plugin.ts";

interface Open {
  readonly revision: string;
  readonly database: Promise<Database>;
}

export class Connections {
  readonly #open = new Map<string, Open>();

  constructor(readonly plugins: readonly DatabasePlugin[]) {}

  /** Throws a 400 for a kind of database that there is none of. */
  plugin(name: string): DatabasePlugin {
    const plugin = this.plugins.find((one) => one.name === name);
    if (plugin === undefined) throw new Failure(400, `unknown database plugin "${name}"`);
    return plugin;
  }

  /** Connects and closes again. Throws `DatabaseFailure`. */
  async verify(config: ConnectionConfig): Promise<void> {
    const database = await this.plugin(config.pluginName).open(openSettings(config));
    await database.close();
  }

  /** The connection's pool, opened where it isn't. Throws `DatabaseFailure`. */
  async get(config: ConnectionConfig): Promise<Database> {
    const { name, revision } = config;
    const present = this.#open.get(name);
    if (present?.revision === revision) return await present.database;
    const database = this.plugin(config.pluginName).open(openSettings(config));
    this.#open.set(name, { revision, database });
    try {
      if (present !== undefined) closeLater(present);
      return await database;
    } catch (error) {
      if (this.#open.get(name)?.database === database) this.#open.delete(name);
      throw error;
    }
  }

  /** Closes a connection's pool; the next use opens another. */
  close(name: string): void {
    const present = this.#open.get(name);
    this.#open.delete(name);
    if (present !== undefined) closeLater(present);
  }

  async closeAll(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map(({ database }) => database.then((it) => it.close(), () => {})));
  }
}

/** Whoever still uses it ends first; one that never opened needs no closing. */
function closeLater({ database }: Open): void {
  database.then((it) => it.close()).catch(() => {});
}
