/**
 * A state file as it is at one moment, while commits go on: a read transaction of SQLite over the
 * file that Deno KV writes. The writer is not held up and nothing gathers in memory; only the WAL
 * grows until this is closed. Keys and values lie as denokv_sqlite 0.14 lays them: tuples in the
 * encoding of FoundationDB, byte strings as they are with encoding 3.
 */
import { DatabaseSync } from "node:sqlite";
import { type Bytes, concat } from "../base/bytes.ts";
import { entryDigest, sameBytes, type Sha256 } from "./digest.ts";
import { CorruptionError, StorageError } from "./errors.ts";
import { CHUNK_BYTES } from "./kv_file.ts";
import { decodeLeaf, type External, isExternal, type Leaf, type Slot } from "./leaf.ts";
import type { StoredEntry } from "./state.ts";
import { decodeMeta, type StateMeta } from "./state_meta.ts";
import { eventLoopTurn } from "./turn.ts";

const STRING = 0x02;
const DOUBLE = 0x21;
const BYTE_STRING_ENCODING = 3;
/** Reading is synchronous: the event loop has its turn after so many bytes, about a millisecond. */
const TURN_BYTES = 128 * 1024;

export class PinnedState {
  readonly meta: StateMeta;
  readonly #path: string;
  readonly #sha256: Sha256;
  readonly #database: DatabaseSync;
  #isClosed = false;

  /** Throws `CorruptionError` where the file does not say what it is. */
  constructor(path: string, sha256: Sha256) {
    this.#path = path;
    this.#sha256 = sha256;
    this.#database = new DatabaseSync(path, { readOnly: true });
    try {
      this.#database.exec("begin");
      const row = this.#database.prepare("select v, v_encoding from kv where k = ?")
        .get(encodeText("m"));
      const meta = row === undefined ? undefined : decodeMeta(this.#bytes(row));
      if (meta === undefined) throw new CorruptionError(`${path}: its first record is damaged`);
      this.meta = meta;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** All entries in the order of their keys, each proved to be what was written. */
  async *entries(): AsyncGenerator<StoredEntry> {
    try {
      const rows = this.#database.prepare(
        "select k, v, v_encoding from kv where k > ? and k < ? order by k",
      ).iterate(encodeText("l"), encodeText("m"));
      let next: string | undefined = "";
      let bytes = 0;
      for (const row of rows) {
        const leaf: Leaf | undefined = next === undefined ? undefined : this.#leaf(row, next);
        if (leaf === undefined) throw this.#damage(`no leaf starts at "${next}"`);
        for (let i = 0; i < leaf.keys.length; i++) {
          const key = leaf.keys[i] ?? "";
          const value = this.#value(key, leaf.slots[i]);
          bytes += key.length + value.length;
          yield { key, value };
        }
        next = leaf.high;
        if (bytes < TURN_BYTES) continue;
        await eventLoopTurn();
        bytes = 0;
      }
      if (next !== undefined) throw this.#damage(`no leaf starts at "${next}"`);
    } finally {
      this.close();
    }
  }

  /** Lets go of the file. Harmless where that is done. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#database.close();
  }

  #leaf(row: Record<string, unknown>, low: string) {
    const { k } = row;
    if (!(k instanceof Uint8Array) || !sameBytes(k, concat(encodeText("l"), encodeText(low)))) {
      return undefined;
    }
    return decodeLeaf(low, this.#bytes(row));
  }

  #value(key: string, slot: Slot | undefined): Bytes {
    if (slot === undefined) throw this.#damage(`"${key}" has no value`);
    return isExternal(slot) ? this.#external(key, slot) : slot.slice();
  }

  #external(key: string, { id, bytes, digest }: External): Bytes {
    const before = concat(encodeText("v"), encodeNumber(id));
    const rows = this.#database.prepare(
      "select v, v_encoding from kv where k > ? and k < ? order by k limit ?",
    ).all(before, concat(before, new Uint8Array([0xff])), Math.ceil(bytes / CHUNK_BYTES));
    const value = concat(...rows.map((row) => this.#bytes(row)));
    if (value.length !== bytes || !sameBytes(entryDigest(this.#sha256, key, value), digest)) {
      throw this.#damage(`the value of "${key}" is damaged (checksum)`);
    }
    return value;
  }

  #bytes({ v, v_encoding: encoding }: Record<string, unknown>): Bytes {
    if (encoding !== BYTE_STRING_ENCODING || !(v instanceof Uint8Array)) {
      throw this.#damage("a row is not a byte string");
    }
    return new Uint8Array(v);
  }

  #damage(sentence: string): StorageError {
    return new CorruptionError(`${this.#path}: ${sentence}`);
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

/** Of numbers that are not negative: the sign bit is turned, so that they sort as bytes do. */
function encodeNumber(value: number): Bytes {
  const out = new Uint8Array(9);
  out[0] = DOUBLE;
  new DataView(out.buffer).setFloat64(1, value);
  out[1] = (out[1] ?? 0) | 0x80;
  return out;
}
