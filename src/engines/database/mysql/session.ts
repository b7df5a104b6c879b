/** Statements on one MySQL connection. */
import type * as mysql from "mysql2";

const statementTimeoutMs = 60_000;

export class Session {
  /** Statements that the server has carried out, each of one text counted. */
  completed = 0;

  constructor(readonly connection: mysql.PoolConnection) {}

  /** Runs a text of one or more statements. */
  async run(sql: string): Promise<void> {
    await this.#query({ sql, timeout: statementTimeoutMs });
  }

  /** The first column of what one statement finds, as text. */
  async find(sql: string, values: string[]): Promise<string[]> {
    const rows = await this.#query({ sql, values, timeout: statementTimeoutMs });
    if (!Array.isArray(rows)) return [];
    return rows.map((row: unknown) => text(Object.values(Object(row))[0]));
  }

  #query(options: mysql.QueryOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.connection
      .query(options, (error, rows) => error === null ? resolve(rows) : reject(error))
      .on("fields", () => this.completed++);
    return promise;
  }
}

/** Names of users come as binary where their collation is. */
function text(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}
