/** The open pools of one mount. */
import { Failure } from "../../base/failure.ts";
import { type ConnectionConfig, openSettings } from "./config.ts";
import type { Database, DatabasePlugin } from "./plugin.ts";

/** A pool; when nobody is to have it any more, whoever has it ends first. */
class Open {
  readonly ended: Promise<void>;
  readonly #end: () => void;
  #users = 0;
  #closed = false;

  constructor(readonly revision: string, readonly database: Promise<Database>) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  async use<T>(body: (database: Database) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await body(await this.database);
    } finally {
      this.#users--;
      this.#endIfIdle();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (!this.#closed || this.#users > 0) return;
    // One that never opened needs no closing.
    this.database.then((it) => it.close()).catch(() => {}).then(this.#end);
  }
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

  /**
   * Does something with the connection's pool, opened where it isn't; it stays open until that has
   * ended, whatever becomes of the connection. Throws `DatabaseFailure`.
   */
  async use<T>(config: ConnectionConfig, body: (database: Database) => Promise<T>): Promise<T> {
    return await this.#get(config).use(body);
  }

  #get(config: ConnectionConfig): Open {
    const { name, revision } = config;
    const present = this.#open.get(name);
    if (present?.revision === revision) return present;
    const open = new Open(revision, this.plugin(config.pluginName).open(openSettings(config)));
    this.#open.set(name, open);
    present?.close();
    open.database.catch(() => {
      if (this.#open.get(name) === open) this.#open.delete(name);
    });
    return open;
  }

  /** Closes a connection's pool; the next use opens another. */
  close(name: string): void {
    const present = this.#open.get(name);
    this.#open.delete(name);
    present?.close();
  }

  async closeAll(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const open of all) open.close();
    await Promise.all(all.map(({ ended }) => ended));
  }
}
