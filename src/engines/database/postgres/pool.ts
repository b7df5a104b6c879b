/** A small pool of PostgreSQL connections, over the driver `pg`, which is loaded when needed. */
import { describeError } from "../../../base/failure.ts";
import { poolLimits } from "../details.ts";
import { withFirstPassword } from "../first_password.ts";
import { DatabaseFailure, type OpenSettings } from "../plugin.ts";
import { scrub } from "../statements.ts";
import { type Address, parseAddress } from "./address.ts";
import type * as pg from "./pg.d.ts";
import { tlsOptions } from "./tls.ts";

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 60_000;
const idleTimeoutMs = 30_000;
/** A longer timer than that of 31 bits would run out at once. */
const longestLifetimeSeconds = 2_000_000;

type Driver = typeof pg.default;

async function loadDriver(): Promise<Driver> {
  // @ts-types="./pg.d.ts"
  const { default: driver } = await import("pg");
  return driver;
}

/** SQLSTATE of a wrong password; nothing else is worth another try with another one. */
const wrongPassword = "28P01";

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** Tries of a transaction that others got in the way of. */
const mostTries = 8;

/**
 * Whether another transaction got in the way: a deadlock, a serialization failure, or two that change
 * the privileges of one object at once, for which PostgreSQL has no code of its own.
 */
function isCollision(error: unknown): boolean {
  const code = codeOf(error);
  if (code === "40001" || code === "40P01") return true;
  return code === "XX000" && /tuple concurrently (updated|deleted)/.test(describeError(error));
}

/** An error that the server itself has sent: it knows what has become of the transaction. */
function isAnswered(error: unknown): boolean {
  return error instanceof Error && "severity" in error && codeOf(error).length === 5;
}

/** Whether the server has closed the connection with it: a question after that would wait for its time to end. */
function isLast(error: unknown): boolean {
  return error instanceof Error && "severity" in error &&
    (error.severity === "FATAL" || error.severity === "PANIC");
}

/** A connection in a transaction. */
export type Session = Pick<pg.PoolClient, "query">;

export class Pool {
  private constructor(
    readonly pool: pg.Pool,
    readonly hidden: readonly string[],
    readonly mostIdle: number,
  ) {}

  /** Connects with the first password that is right. Throws `DatabaseFailure`. */
  static async open(settings: OpenSettings): Promise<Pool> {
    const driver = await loadDriver();
    return await withFirstPassword(
      settings,
      (error) => codeOf(error) === wrongPassword,
      (password) => Pool.#tryOpen(driver, settings, password),
    );
  }

  static async #tryOpen(driver: Driver, settings: OpenSettings, password: string) {
    const address = parseAddress(
      settings.details.connection_url ?? "",
      settings.username,
      password,
    );
    const ssl = tlsOptions(address, settings);
    try {
      return await Pool.#connect(driver, settings, password, address, ssl);
    } catch (error) {
      const optional = address.sslMode === "prefer" || address.sslMode === "allow";
      if (!optional || !describeError(error).includes("does not support SSL")) throw error;
      return await Pool.#connect(driver, settings, password, address, false);
    }
  }

  static async #connect(
    driver: Driver,
    { details, passwords, privateKey }: OpenSettings,
    password: string,
    address: Address,
    ssl: pg.PoolConfig["ssl"],
  ): Promise<Pool> {
    const { open, idle, lifetimeMs } = poolLimits(details);
    const pool = new driver.Pool({
      host: address.host,
      port: address.port,
      database: address.database,
      user: address.user,
      password: address.password ?? password,
      ssl,
      max: open,
      maxLifetimeSeconds: lifetimeMs === Infinity
        ? 0
        : Math.min(longestLifetimeSeconds, lifetimeMs / 1000),
      idleTimeoutMillis: idleTimeoutMs,
      connectionTimeoutMillis: address.connectTimeout * 1000 || connectTimeoutMs,
      query_timeout: statementTimeoutMs,
      application_name: "holdfast",
      allowExitOnIdle: true,
    });
    // A connection that breaks while idle has left the pool; the next one tells what is wrong.
    pool.on("error", () => {});
    // One that breaks in use tells who uses it; told to nobody, the rest of it would end the process.
    pool.on("connect", (client) => client.on("error", () => {}));
    try {
      const client = await pool.connect();
      try {
        await client.query("select 1");
      } finally {
        client.release(idle === 0);
      }
      return new Pool(pool, [...passwords, privateKey, address.password ?? ""], idle);
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  /**
   * Runs `body` in a transaction, again where others got in its way. Throws `DatabaseFailure`;
   * `secrets` stay out of its message.
   */
  async transaction(
    body: (session: Session) => Promise<void>,
    secrets: readonly string[] = [],
  ): Promise<void> {
    const hidden = [...this.hidden, ...secrets];
    for (let tries = 1;; tries++) {
      let client: pg.PoolClient;
      try {
        client = await this.pool.connect();
      } catch (error) {
        throw new DatabaseFailure(scrub(describeError(error), hidden), true, true);
      }
      const failed = await attempt(client, body, (broken) => this.#release(client, broken));
      if (failed === undefined) return;
      const { error, unchanged } = failed;
      if (error instanceof DatabaseFailure) throw error;
      if (isCollision(error) && tries < mostTries) continue;
      throw new DatabaseFailure(scrub(describeError(error), hidden), unchanged, !isAnswered(error));
    }
  }

  /** Back into the pool, unless it is broken, or enough wait there and nobody for it. */
  #release(client: pg.PoolClient, broken: boolean): void {
    const { idleCount, waitingCount } = this.pool;
    client.release(broken || (waitingCount === 0 && idleCount >= this.mostIdle));
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** One try; why it failed, and whether that has certainly changed nothing. */
async function attempt(
  client: pg.PoolClient,
  body: (session: Session) => Promise<void>,
  release: (broken: boolean) => void,
): Promise<{ readonly error: unknown; readonly unchanged: boolean } | undefined> {
  let committing = false;
  let broken = true;
  const ended = Promise.withResolvers<never>();
  const onEnd = () => ended.reject(new Error("the connection has ended"));
  ended.promise.catch(() => {});
  client.once("end", onEnd);
  // The driver does not tell every question that its connection has ended; it would wait for its time.
  const session: Session = {
    query: <Row>(text: string, values?: readonly unknown[]) =>
      Promise.race([client.query<Row>(text, values), ended.promise]),
  };
  try {
    await session.query("begin");
    await body(session);
    committing = true;
    await session.query("commit");
    broken = false;
    return undefined;
  } catch (error) {
    const answered = isAnswered(error) || error instanceof DatabaseFailure;
    // One that did not answer would not answer to this either.
    broken = !answered || isLast(error) || !await rollBack(client);
    return { error, unchanged: !committing || answered };
  } finally {
    client.off("end", onEnd);
    release(broken);
  }
}

/** Whether the connection is good for others again. One that is not is closed. */
async function rollBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query("rollback");
    return true;
  } catch {
    return false;
  }
}
