/** The leaves of a state file, read beside the store that writes it: see `RowReader`. */
import { type Bytes, concat, release } from "../base/bytes.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk, RowReader } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { CHUNK_BYTES } from "./kv_file.ts";
import { decodeLeaf, type External, type Leaf, leafHolding } from "./leaf.ts";
import { decodeMeta, type StateMeta } from "./state_meta.ts";

export class StateRows {
  readonly #path: string;
  readonly #rows: RowReader;

  /** Opens a file that is open as a KV file. Must be closed. */
  constructor(path: string, disk: Disk = denoDisk) {
    this.#path = path;
    this.#rows = disk.openRows(path);
  }

  /** Shows what is there now, whatever is committed later. */
  pin(): void {
    this.#rows.pin();
  }

  /** Throws `CorruptionError` where the file does not say what it is. */
  meta(): StateMeta {
    const row = this.#rows.first();
    const meta = row === undefined ? undefined : decodeMeta(this.#path, row);
    if (meta === undefined) throw this.damage("its first record is damaged");
    return meta;
  }

  /** The leaf whose range holds `key`. Throws `CorruptionError` naming the key. */
  leafFor(key: string): Leaf {
    const row = this.#rows.floor(key);
    return leafHolding(this.#path, key, row?.low, row?.value);
  }

  /**
   * The leaf that starts at `low`, with those that follow it, at most `limit`; up to the first that
   * is not what was written, so none where that is the one at `low`.
   */
  ahead(low: string, limit: number): Leaf[] {
    const leaves: Leaf[] = [];
    let next: string | undefined = low;
    for (const row of this.#rows.ahead(low, limit)) {
      const leaf: Leaf | undefined = next === undefined || row.low !== next
        ? undefined
        : decodeLeaf(next, row.value);
      if (leaf === undefined) break;
      leaves.push(leaf);
      next = leaf.high;
    }
    return leaves;
  }

  /** All leaves from the first on; undefined in the place of one that does not follow. */
  *leaves(): Generator<Leaf | undefined> {
    let next: string | undefined = "";
    for (const { low, value } of this.#rows.leaves()) {
      const leaf: Leaf | undefined = next === undefined || low !== next
        ? undefined
        : decodeLeaf(next, value);
      yield leaf;
      next = leaf?.high;
    }
    if (next !== undefined) yield undefined;
  }

  /** The bytes of a value outside of its leaf, as they lie there. */
  chunks({ id, bytes }: External): Bytes {
    const chunks = this.#rows.chunks(id, Math.ceil(bytes / CHUNK_BYTES));
    const value = concat(...chunks);
    for (const chunk of chunks) release(chunk);
    return value;
  }

  /** An error that names the file. */
  damage(sentence: string): CorruptionError {
    return new CorruptionError(`${this.#path}: ${sentence}`);
  }

  close(): void {
    this.#rows.close();
  }
}
