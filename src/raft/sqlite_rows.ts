/**
 * The rows of a state file by way of SQLite itself, beside Deno KV, which writes them. Its one worker
 * takes reads behind the commit under way; these don't wait.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, concat } from "../base/bytes.ts";
import type { LeafRow, RowReader } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { BYTE_STRING_ENCODING, decodeText, encodeKey, encodeText } from "./sqlite_keys.ts";

type Row = Record<string, unknown>;

export class SqliteRows implements RowReader {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #floor: StatementSync | undefined;
  #ahead: StatementSync | undefined;

  /** Opens a file that Deno KV has open. Must be closed. */
  constructor(path: string) {
    this.#path = path;
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  pin(): void {
    this.#database.exec("begin");
  }

  first(): Bytes | undefined {
    const row = this.#database.prepare("select v, v_encoding from kv where k = ?")
      .get(encodeText("m"));
    return row === undefined ? undefined : this.#bytes(row);
  }

  floor(key: string): LeafRow | undefined {
    this.#floor ??= this.#database.prepare(
      "select k, v, v_encoding from kv where k > ? and k <= ? order by k desc limit 1",
    );
    const row = this.#floor.get(leaves, encodeKey(["l", key]));
    return row === undefined ? undefined : this.#leaf(row);
  }

  ahead(low: string, limit: number): LeafRow[] {
    this.#ahead ??= this.#database.prepare(
      "select k, v, v_encoding from kv where k >= ? and k < ? order by k limit ?",
    );
    return this.#ahead.all(encodeKey(["l", low]), encodeText("m"), limit).map((row) =>
      this.#leaf(row)
    );
  }

  *leaves(): Generator<LeafRow> {
    const rows = this.#database.prepare(
      "select k, v, v_encoding from kv where k > ? and k < ? order by k",
    ).iterate(leaves, encodeText("m"));
    for (const row of rows) yield this.#leaf(row);
  }

  chunks(id: number, limit: number): Bytes[] {
    const before = encodeKey(["v", id]);
    const rows = this.#database.prepare(
      "select v, v_encoding from kv where k > ? and k < ? order by k limit ?",
    ).all(before, concat(before, new Uint8Array([0xff])), limit);
    return rows.map((row) => this.#bytes(row));
  }

  close(): void {
    this.#database.close();
  }

  #leaf(row: Row): LeafRow {
    return { low: lowOf(row), value: this.#bytes(row) };
  }

  #bytes({ v, v_encoding: encoding }: Row): Bytes {
    if (encoding !== BYTE_STRING_ENCODING || !(v instanceof Uint8Array)) {
      throw new CorruptionError(`${this.#path}: a row is not a byte string`);
    }
    // Each row's bytes are its own, so they need not be copied.
    return v.buffer instanceof ArrayBuffer
      ? new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
      : new Uint8Array(v);
  }
}

const leaves = encodeText("l");

/** The text after `["l"`; undefined where it is none. */
function lowOf({ k }: Row): string | undefined {
  return k instanceof Uint8Array ? decodeText(k, leaves.length) : undefined;
}
