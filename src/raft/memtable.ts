/** Changes that are applied and not yet in the state file. */
import type { Bytes } from "../base/bytes.ts";
import type { Change } from "./keys.ts";
import { type OrderedCursor, OrderedMap } from "./ordered_map.ts";

/** A walk over the changed keys. */
export type MemtableCursor = OrderedCursor<Bytes | null>;

/** What an entry costs in memory beside its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 150;

export class Memtable {
  readonly #changes = new OrderedMap<Bytes | null>();
  /** Bytes held, roughly. */
  bytes = 0;

  get size(): number {
    return this.#changes.size;
  }

  /** Bytes of a put, null of a delete, undefined where nothing is known of the key. */
  get(key: string): Bytes | null | undefined {
    return this.#changes.get(key);
  }

  apply(change: Change): void {
    const before = this.#changes.get(change.key);
    if (before === undefined) this.bytes += change.key.length * 2 + ENTRY_OVERHEAD_BYTES;
    else this.bytes -= before?.length ?? 0;
    this.bytes += change.value?.length ?? 0;
    this.#changes.set(change.key, change.value);
  }

  /** Sees later changes too. */
  cursor(): MemtableCursor {
    return this.#changes.cursor();
  }

  /** All changes in the order of their keys. */
  *sorted(): Generator<Change> {
    for (const [key, value] of this.#changes.entries()) yield { key, value };
  }
}
