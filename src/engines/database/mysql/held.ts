/** Which of a pool's connections are kept, and for how long: the driver closes what idles in its own time. */
import type { PoolConnection } from "mysql2";
import type { PoolLimits } from "../details.ts";

export class Held {
  readonly #began = new WeakMap<PoolConnection, number>();
  readonly #idle = new Set<PoolConnection>();

  constructor(readonly limits: PoolLimits) {}

  /** Whether the connection may be used. One that is too old is closed. */
  take(connection: PoolConnection): boolean {
    this.#idle.delete(connection);
    if (!this.#began.has(connection)) {
      this.#began.set(connection, performance.now());
      // The server or the driver may close it while it idles.
      connection.on("end", () => this.#idle.delete(connection));
      connection.on("error", () => this.#idle.delete(connection));
    }
    if (!this.#isOld(connection)) return true;
    connection.destroy();
    return false;
  }

  /** Back into the pool, unless it is too old or enough idle there. */
  release(connection: PoolConnection): void {
    if (this.#isOld(connection) || this.#idle.size >= this.limits.idle) connection.destroy();
    else {
      this.#idle.add(connection);
      connection.release();
    }
  }

  #isOld(connection: PoolConnection): boolean {
    const began = this.#began.get(connection) ?? performance.now();
    return performance.now() - began >= this.limits.lifetimeMs;
  }
}
