/**
 * Fills a new state file by way of SQLite itself. Deno KV makes each commit durable, twice over: in
 * the WAL and in the file. That is what a file in use needs; in one that nothing refers to yet,
 * nothing counts until all of it is there, so this writes each page once and makes the whole durable
 * at the end. A process that dies meanwhile leaves a leftover, which goes at the next start.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { KvKey, RowFill } from "./disk.ts";
import { syncDirectory } from "./durable_file.ts";
import { CorruptionError } from "./errors.ts";
import { BYTE_STRING_ENCODING, encodeKey } from "./sqlite_keys.ts";

/** Pages that wait in memory, KiB: more of them are written in one go. */
const CACHE_KIB = 4096;
/** The disk begins to write after so many bytes, so that the end is not all that is waited for. */
const SYNC_BYTES = 16 * 1024 * 1024;

export class SqliteFill implements RowFill {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #version: number;
  /** For fsync; beside the database's own. */
  readonly #file: Deno.FsFile;
  #unsynced = 0;
  /** The fsync under way. Never rejects; `#failure` tells. */
  #syncing: Promise<void> | undefined;
  /** Of an fsync. The kernel tells of it once: the next one may say that all is well. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
    this.#database = new DatabaseSync(path);
    try {
      // Deno KV lets go of the file on a thread of its own.
      this.#database.exec("pragma busy_timeout = 5000");
      // The journal would hold pages of before, of which there are almost none.
      const row = this.#database.prepare("pragma journal_mode = memory").get();
      if (row?.journal_mode !== "memory") throw new Error("the journal can't be kept in memory");
      this.#database.exec(
        `pragma synchronous = off; pragma cache_size = -${CACHE_KIB}; begin immediate`,
      );
      const version = this.#database.prepare("select version from data_version where k = 0").get();
      if (typeof version?.version !== "number") throw new CorruptionError(`${path} has no version`);
      this.#version = version.version + 1;
      this.#insert = this.#database.prepare(
        "insert into kv (k, v, v_encoding, version, seq, expiration_ms) values (?, ?, ?, ?, 0, -1)",
      );
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Takes over a file that Deno KV has made and closed. */
  static async open(path: string): Promise<SqliteFill> {
    const file = await Deno.open(path, { read: true, write: true });
    try {
      return new SqliteFill(path, file);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  put(key: KvKey, value: Uint8Array): void {
    this.#insert.run(encodeKey(key), value, BYTE_STRING_ENCODING, this.#version);
    this.#unsynced += value.length;
    if (this.#unsynced < SYNC_BYTES || this.#syncing !== undefined) return;
    this.#unsynced = 0;
    this.#syncing = this.#sync();
  }

  async finish(): Promise<void> {
    try {
      this.#database.prepare("update data_version set version = ? where k = 0").run(this.#version);
      this.#database.exec("commit");
      this.#database.close();
      await this.#syncing;
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#file.sync();
    } finally {
      await this.abandon();
    }
    await syncDirectory(this.#path.slice(0, this.#path.lastIndexOf("/")));
  }

  async abandon(): Promise<void> {
    await this.#syncing;
    if (this.#database.isOpen) this.#database.close();
    this.#file[Symbol.dispose]();
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.syncData();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#syncing = undefined;
  }
}
