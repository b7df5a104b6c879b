/**
 * The rows of a state file by way of SQLite itself, beside Deno KV, which writes them. Its one worker
 * takes reads behind the commit under way; these don't wait.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, sameBytes } from "../base/bytes.ts";
import type { LeafRow, RowReader } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { BYTE_STRING_ENCODING, decodeText, encodeKey, encodeText } from "./sqlite_keys.ts";

type Row = Record<string, unknown>;

export class SqliteRows implements RowReader {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #floor: StatementSync | undefined;
  #ahead: StatementSync | undefined;
  #isPinned = false;
  #valueWalk: StatementSync | undefined;
  /** A walk over the chunks of values, behind the last of the value with that number. */
  #values: Iterator<Row> | undefined;
  #lastId = 0;

  /** Opens a file that Deno KV has open. Must be closed. */
  constructor(path: string) {
    this.#path = path;
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  pin(): void {
    this.#database.exec("begin");
    this.#isPinned = true;
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
    for (const row of this.#database.prepare(onwards).iterate(leaves)) {
      if (!startsWith(row, leaves)) return;
      yield this.#leaf(row);
    }
  }

  chunks(id: number, limit: number): Bytes[] {
    const prefix = encodeKey(["v", id]);
    // What was deleted since has left no rows: the next one may be that of a number much greater.
    let row = id > this.#lastId ? this.#nextValueRow() : undefined;
    if (row === undefined || !startsWith(row, prefix)) row = this.#seekValue(prefix);
    const chunks: Bytes[] = [];
    for (; row !== undefined && startsWith(row, prefix); row = this.#nextValueRow()) {
      chunks.push(this.#bytes(row));
      if (chunks.length === limit) break;
    }
    this.#lastId = id;
    // A row of another value was read in vain.
    if (chunks.length < limit || !this.#isPinned) this.#endValues();
    return chunks;
  }

  #seekValue(prefix: Bytes): Row | undefined {
    this.#endValues();
    this.#valueWalk ??= this.#database.prepare(onwards);
    this.#values = this.#valueWalk.iterate(prefix);
    return this.#nextValueRow();
  }

  #nextValueRow(): Row | undefined {
    const next = this.#values?.next();
    return next === undefined || next.done === true ? undefined : next.value;
  }

  /** A walk that has not ended keeps the file as it was when it began. */
  #endValues(): void {
    this.#values?.return?.();
    this.#values = undefined;
  }

  close(): void {
    this.#endValues();
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

/**
 * All rows after a key. Where they are to end is seen by their keys: the table is an index to SQLite,
 * which reads the whole row, 60 KB maybe, for each comparison with a bound, and some ten of them to
 * find a place. So a walk reads what it yields once, and each seek ten times as much.
 */
const onwards = "select k, v, v_encoding from kv where k > ? order by k";

function startsWith({ k }: Row, prefix: Bytes): boolean {
  return k instanceof Uint8Array && sameBytes(k.subarray(0, prefix.length), prefix);
}

/** The text after `["l"`; undefined where it is none. */
function lowOf({ k }: Row): string | undefined {
  return k instanceof Uint8Array ? decodeText(k, leaves.length) : undefined;
}
