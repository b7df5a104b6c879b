/**
 * The rows of a state file by way of SQLite itself, beside Deno KV, which writes them. Its one worker
 * takes reads behind the commit under way; these don't wait. Keys and values lie as denokv_sqlite
 * 0.14 lays them: tuples in the encoding of FoundationDB, byte strings as they are with encoding 3.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, concat, fromUtf8 } from "../base/bytes.ts";
import { sameBytes } from "./digest.ts";
import { CorruptionError } from "./errors.ts";
import { covers, decodeLeaf, type External, type Leaf } from "./leaf.ts";
import { CHUNK_BYTES } from "./kv_file.ts";
import { decodeMeta, type StateMeta } from "./state_meta.ts";

const STRING = 0x02;
const DOUBLE = 0x21;
const BYTE_STRING_ENCODING = 3;

type Row = Record<string, unknown>;

export class StateRows {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #floor: StatementSync | undefined;

  /** Opens a file that Deno KV has open. Must be closed. */
  constructor(path: string) {
    this.#path = path;
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  /** Shows what is there now, whatever is committed later. */
  pin(): void {
    this.#database.exec("begin");
  }

  /** Throws `CorruptionError` where the file does not say what it is. */
  meta(): StateMeta {
    const row = this.#database.prepare("select v, v_encoding from kv where k = ?")
      .get(encodeText("m"));
    const meta = row === undefined ? undefined : decodeMeta(this.#path, this.#bytes(row));
    if (meta === undefined) throw this.damage("its first record is damaged");
    return meta;
  }

  /** The leaf whose range holds `key`. Throws `CorruptionError` naming the key. */
  leafFor(key: string): Leaf {
    this.#floor ??= this.#database.prepare(
      "select k, v, v_encoding from kv where k > ? and k <= ? order by k desc limit 1",
    );
    const row = this.#floor.get(leaves, leafKey(key));
    const low = row === undefined ? undefined : lowOf(row);
    const leaf = row === undefined || low === undefined
      ? undefined
      : decodeLeaf(low, this.#bytes(row));
    if (leaf === undefined || !covers(leaf, key)) {
      throw this.damage(`the entries around "${key}" are damaged or missing`);
    }
    return leaf;
  }

  /** All leaves from the first on; undefined in the place of one that does not follow. */
  *leaves(): Generator<Leaf | undefined> {
    const rows = this.#database.prepare(
      "select k, v, v_encoding from kv where k > ? and k < ? order by k",
    ).iterate(leaves, encodeText("m"));
    let next: string | undefined = "";
    for (const row of rows) {
      const leaf: Leaf | undefined = next === undefined ? undefined : this.#leafAt(row, next);
      yield leaf;
      next = leaf?.high;
    }
    if (next !== undefined) yield undefined;
  }

  /** The bytes of a value outside of its leaf, as they lie there. */
  chunks({ id, bytes }: External): Bytes {
    const before = concat(encodeText("v"), encodeNumber(id));
    const rows = this.#database.prepare(
      "select v, v_encoding from kv where k > ? and k < ? order by k limit ?",
    ).all(before, concat(before, new Uint8Array([0xff])), Math.ceil(bytes / CHUNK_BYTES));
    return concat(...rows.map((row) => this.#bytes(row)));
  }

  /** An error that names the file. */
  damage(sentence: string): CorruptionError {
    return new CorruptionError(`${this.#path}: ${sentence}`);
  }

  close(): void {
    this.#database.close();
  }

  #leafAt(row: Row, low: string): Leaf | undefined {
    const { k } = row;
    if (!(k instanceof Uint8Array) || !sameBytes(k, leafKey(low))) return undefined;
    return decodeLeaf(low, this.#bytes(row));
  }

  #bytes({ v, v_encoding: encoding }: Row): Bytes {
    if (encoding !== BYTE_STRING_ENCODING || !(v instanceof Uint8Array)) {
      throw this.damage("a row is not a byte string");
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
