/** The open pools of one mount, and which databases do not answer just now. */
import type { Clock } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import { type ConnectionConfig, openSettings } from "./config.ts";
import { type Database, DatabaseFailure, type DatabasePlugin } from "./plugin.ts";

interface Open {
  readonly revision: string;
  readonly database: Promise<Database>;
}

/** A database that could not be reached: in the background it is left in peace for a while. */
interface Circuit {
  readonly revision: string;
  readonly until: number;
  readonly waitMs: number;
  readonly message: string;
}

const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

export class Connections {
  readonly #open = new Map<string, Open>();
  readonly #circuits = new Map<string, Circuit>();

  constructor(readonly plugins: readonly DatabasePlugin[], readonly clock: () => Clock) {}

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
      const opened = await database;
      this.#circuits.delete(name);
      return opened;
    } catch (error) {
      if (this.#open.get(name)?.database === database) this.#open.delete(name);
      this.#breakCircuit(config, error);
      throw error;
    }
  }

  /** The same for work that is tried again by itself: does not insist while nobody answers. */
  async getPatiently(config: ConnectionConfig): Promise<Database> {
    const circuit = this.#circuits.get(config.name);
    const waiting = circuit?.revision === config.revision &&
      this.clock().monotonic() < circuit.until;
    if (waiting) throw new DatabaseFailure(circuit.message, true);
    return await this.get(config);
  }

  #breakCircuit({ name, revision }: ConnectionConfig, error: unknown): void {
    if (!(error instanceof DatabaseFailure)) return;
    const before = this.#circuits.get(name);
    const waitMs = Math.min(longestWaitMs, before === undefined ? firstWaitMs : before.waitMs * 2);
    const until = this.clock().monotonic() + waitMs;
    this.#circuits.set(name, { revision, until, waitMs, message: error.message });
  }

  /** Closes a connection's pool; the next use opens another. */
  close(name: string): void {
    this.#circuits.delete(name);
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
