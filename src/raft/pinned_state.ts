/**
 * A state file as it is at one moment, while commits go on: a read transaction of SQLite over the
 * file that Deno KV writes. The writer is not held up and nothing gathers in memory; only the WAL
 * grows until this is closed.
 */
import { type Bytes, sameBytes } from "../base/bytes.ts";
import { entryDigest, type Sha256 } from "./digest.ts";
import { type External, isExternal, type Slot } from "./leaf.ts";
import type { StoredEntry } from "./state.ts";
import type { StateFile } from "./state_file.ts";
import type { StateMeta } from "./state_meta.ts";
import { StateRows } from "./state_rows.ts";
import type { Settings } from "./store_options.ts";
import { FairTurns } from "../base/turn.ts";

/** Reading is synchronous: others have their turn after so many bytes, about a millisecond. */
const TURN_BYTES = 128 * 1024;

export class PinnedState {
  readonly meta: StateMeta;
  readonly #sha256: Sha256;
  readonly #settings: Pick<Settings, "clock" | "readTurn">;
  readonly #rows: StateRows;
  #isClosed = false;

  /** Throws `CorruptionError` where the file does not say what it is. */
  constructor(
    { path, sha256, disk }: StateFile,
    settings: Pick<Settings, "clock" | "readTurn">,
  ) {
    this.#settings = settings;
    this.#sha256 = sha256;
    this.#rows = new StateRows(path, disk);
    try {
      this.#rows.pin();
      this.meta = this.#rows.meta();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** All entries in the order of their keys, each proved to be what was written. */
  async *entries(): AsyncGenerator<StoredEntry> {
    try {
      let next: string | undefined = "";
      let bytes = 0;
      const turns = new FairTurns(this.#settings.clock, this.#settings.readTurn);
      for (const leaf of this.#rows.leaves()) {
        if (leaf === undefined) throw this.#rows.damage(`no leaf starts at "${next}"`);
        for (let i = 0; i < leaf.keys.length; i++) {
          const key = leaf.keys[i] ?? "";
          const value = this.#value(key, leaf.slots[i]);
          bytes += key.length + value.length;
          yield { key, value };
        }
        next = leaf.high;
        if (bytes < TURN_BYTES) continue;
        await turns.giveWay();
        bytes = 0;
      }
    } finally {
      this.close();
    }
  }

  /** Lets go of the file. Harmless where that is done. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rows.close();
  }

  #value(key: string, slot: Slot | undefined): Bytes {
    if (slot === undefined) throw this.#rows.damage(`"${key}" has no value`);
    return isExternal(slot) ? this.#external(key, slot) : slot.slice();
  }

  #external(key: string, slot: External): Bytes {
    const value = this.#rows.chunks(slot);
    const isWhole = value.length === slot.bytes &&
      sameBytes(entryDigest(this.#sha256, key, value), slot.digest);
    if (!isWhole) throw this.#rows.damage(`the value of "${key}" is damaged (checksum)`);
    return value;
  }
}
