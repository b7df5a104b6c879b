/** A small pool of MySQL connections, over the driver `mysql2`, which is loaded when needed. */
import { connect, type Socket } from "node:net";
import { describeError } from "../../../base/failure.ts";
import { type PoolLimits, poolLimits } from "../details.ts";
import { withFirstPassword } from "../first_password.ts";
import { DatabaseFailure, type OpenSettings } from "../plugin.ts";
import { scrub } from "../statements.ts";
import { type Dsn, parseDsn } from "./dsn.ts";
import { isAnswered, isWrongPassword, lacksTls } from "./errors.ts";
import type * as mysql from "mysql2";
import { Held } from "./held.ts";
import { Session } from "./session.ts";
import { tlsOptions } from "./tls.ts";

const connectTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;

type Driver = Pick<typeof mysql, "createPool">;

async function loadDriver(): Promise<Driver> {
  const { default: driver } = await import("mysql2");
  return driver;
}

/** Backslashes escape, whatever the server's default: values are quoted for that. */
const usualQuotes = "set session sql_mode = replace(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')";

function poolOptions(
  settings: OpenSettings,
  dsn: Dsn,
  ssl: mysql.SslOptions | undefined,
): mysql.PoolOptions {
  const { open, idle } = poolLimits(settings.details);
  const { host, port, socketPath } = dsn;
  const serverName = settings.details.tls_server_name || host;
  return {
    host: serverName,
    port,
    ...(socketPath === undefined
      ? { stream: () => connectTo(host, port, serverName) }
      : { socketPath }),
    user: dsn.user,
    password: dsn.password,
    ...(dsn.database === "" ? {} : { database: dsn.database }),
    ...(ssl === undefined ? {} : { ssl }),
    multipleStatements: true,
    connectTimeout: dsn.connectTimeout * 1000 || connectTimeoutMs,
    connectionLimit: open,
    maxIdle: idle,
    idleTimeout: idleTimeoutMs,
    disableEval: true,
    enableCleartextPlugin: dsn.allowCleartext,
    // The server must not ask for files of ours.
    flags: ["-LOCAL_FILES"],
  };
}

/**
 * The driver tells TLS whom the certificate must be for only where that is no address; for one,
 * node:tls takes what its own name look-up would have left at the socket.
 */
function connectTo(host: string, port: number, serverName: string): Socket {
  return Object.assign(connect(port, host), { _host: serverName });
}

export class Pool {
  private constructor(
    readonly pool: mysql.Pool,
    readonly hidden: readonly string[],
    readonly held: Held,
  ) {}

  /** Connects with the first password that is right. Throws `DatabaseFailure`. */
  static async open(settings: OpenSettings): Promise<Pool> {
    const driver = await loadDriver();
    return await withFirstPassword(
      settings,
      isWrongPassword,
      (password) => Pool.#tryOpen(driver, settings, password),
    );
  }

  static async #tryOpen(driver: Driver, settings: OpenSettings, password: string) {
    const { details, username, privateKey } = settings;
    const dsn = parseDsn(details.connection_url ?? "", username, password);
    const ssl = tlsOptions(details, privateKey, dsn);
    const hidden = [...settings.passwords, privateKey, dsn.password];
    const limits = poolLimits(details);
    const open = (options: mysql.PoolOptions) => Pool.#connect(driver, options, hidden, limits);
    try {
      return await open(poolOptions(settings, dsn, ssl));
    } catch (error) {
      if (dsn.tls !== "preferred" || !lacksTls(error)) throw error;
      return await open(poolOptions(settings, dsn, undefined));
    }
  }

  static async #connect(
    driver: Driver,
    options: mysql.PoolOptions,
    hidden: readonly string[],
    limits: PoolLimits,
  ): Promise<Pool> {
    const pool = new Pool(driver.createPool(options), hidden, new Held(limits));
    try {
      const session = new Session(await pool.#take());
      await session.run("select 1");
      pool.held.release(session.connection);
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  async #take(): Promise<mysql.PoolConnection> {
    for (;;) {
      const connection = await this.#next();
      if (this.held.take(connection)) return connection;
    }
  }

  #next(): Promise<mysql.PoolConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<mysql.PoolConnection>();
    this.pool.getConnection((error, one) => error === null ? resolve(one) : reject(error));
    return promise;
  }

  /**
   * Runs `body` in a transaction, as far as MySQL has one: statements on users take effect at once.
   * Throws `DatabaseFailure`; `secrets` stay out of its message.
   */
  async transaction(
    body: (session: Session) => Promise<void>,
    secrets: readonly string[] = [],
  ): Promise<void> {
    const hidden = [...this.hidden, ...secrets];
    let session: Session;
    try {
      session = new Session(await this.#take());
    } catch (error) {
      throw new DatabaseFailure(scrub(describeError(error), hidden), true, true);
    }
    try {
      await session.run(usualQuotes);
      await session.run("start transaction");
      session.completed = 0;
      await body(session);
      await session.run("commit");
      this.held.release(session.connection);
    } catch (error) {
      // What it was in the middle of ends with the connection.
      session.connection.destroy();
      if (error instanceof DatabaseFailure) throw error;
      const unchanged = session.completed === 0 && isAnswered(error);
      throw new DatabaseFailure(scrub(describeError(error), hidden), unchanged, !isAnswered(error));
    }
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.pool.end(() => resolve());
    await promise;
  }
}
