/**
 * The rows of a state file by way of SQLite itself, beside Deno KV, which writes them. Its one worker
 * takes reads behind the commit under way; these don't wait. Keys and values lie as denokv_sqlite
 * 0.14 lays them: tuples in the encoding of FoundationDB, byte strings as they are with encoding 3.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, concat, fromUtf8 } from "../base/bytes.ts";
import type { LeafRow, RowReader } from "./disk.ts";
import { CorruptionError } from "./errors.ts";

const STRING = 0x02;
const DOUBLE = 0x21;
const BYTE_STRING_ENCODING = 3;

type Row = Record<string, unknown>;

export class SqliteRows implements RowReader {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #floor: StatementSync | undefined;

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
    const row = this.#floor.get(leaves, leafKey(key));
    return row === undefined ? undefined : this.#leaf(row);
  }

  *leaves(): Generator<LeafRow> {
    const rows = this.#database.prepare(
      "select k, v, v_encoding from kv where k > ? and k < ? order by k",
    ).iterate(leaves, encodeText("m"));
    for (const row of rows) yield this.#leaf(row);
  }

  chunks(id: number, limit: number): Bytes[] {
    const before = concat(encodeText("v"), encodeNumber(id));
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
    return new Uint8Array(v);
  }
}

const encoder = new TextEncoder();

/** A zero byte is followed by 0xff, and one that is not ends the text. */
function encodeText(text: string): Bytes {
  const plain = encoder.encode(text);
  const out = [STRING];
  for (const byte of plain) byte === 0 ? out.push(0, 0xff) : out.push(byte);
  out.push(0);
  return new Uint8Array(out);
}

const leaves = encodeText("l");

function leafKey(low: string): Bytes {
  return concat(leaves, encodeText(low));
}

/** The text after `["l"`; undefined where it is none. */
function lowOf({ k }: Row): string | undefined {
  if (!(k instanceof Uint8Array) || k[leaves.length] !== STRING) return undefined;
  const encoded = k.subarray(leaves.length + 1, k.length - 1);
  if (!encoded.includes(0)) return decode(encoded);
  const plain: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    plain.push(encoded[i] ?? 0);
    if (encoded[i] === 0) i++;
  }
  return decode(new Uint8Array(plain));
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Of numbers that are not negative: the sign bit is turned, so that they sort as bytes do. */
function encodeNumber(value: number): Bytes {
  const out = new Uint8Array(9);
  out[0] = DOUBLE;
  new DataView(out.buffer).setFloat64(1, value);
  out[1] = (out[1] ?? 0) | 0x80;
  return out;
}
