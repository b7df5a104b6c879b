/** A walk through the applied state in the order of its keys: memtables over the state file. */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import { CorruptionError } from "./errors.ts";
import { compareKeys, successor } from "./key_order.ts";
import { covers, isExternal, type Leaf, positionIn } from "./leaf.ts";
import type { Memtable, MemtableCursor } from "./memtable.ts";
import type { StateFile } from "./state_file.ts";

/** What a walk looks at. A flush or a rewrite may put another file there at any time. */
export interface Walked {
  readonly file: StateFile;
  get(key: string): Awaitable<Bytes | undefined>;
}

export class StateView {
  readonly #state: Walked;
  /** The newest first. */
  readonly #tables: readonly Memtable[];
  readonly #cursors: readonly MemtableCursor[];
  #leaf: Leaf | undefined;
  #leafEpoch = 0;
  #leafFile: StateFile | undefined;
  /** Where the last step ended in the leaf: at the first key that is not before what it found. */
  #position = 0;
  /** What the last step found. */
  #last: string | undefined;

  constructor(state: Walked, tables: readonly Memtable[]) {
    this.#state = state;
    this.#tables = tables;
    this.#cursors = tables.map((table) => table.cursor());
  }

  /**
   * The least key at or after `from` that has a value; none is looked for at or after `end`, so that
   * what was deleted beyond a range costs a walk of that range nothing.
   */
  seek(from: string, end?: string): Awaitable<string | undefined> {
    let next = from;
    /** `next` was found, and is deleted: only what comes after it will do. */
    let isPast = false;
    for (;;) {
      if (end !== undefined && compareKeys(next, end) >= 0) return undefined;
      const leaf = this.#leaf;
      if (leaf === undefined || !(isPast || covers(leaf, next))) {
        const from = next;
        const loading = this.#load(from, leaf?.high === from);
        if (loading !== undefined) return loading.then(() => this.seek(from, end));
        continue;
      }
      if (!isPast) this.#position = this.#positionOf(leaf, next);
      else if (leaf.keys[this.#position] === next) this.#position++;
      const inFile = leaf.keys[this.#position];
      // Beyond the leaf nothing is known yet: its end is as far as this step may go.
      const bound = inFile ?? leaf.high;
      const key = this.#leastChanged(next, isPast, bound) ?? inFile;
      if (key !== undefined) {
        if (!this.#isDeleted(key)) {
          this.#last = key;
          return key;
        }
        next = key;
        isPast = true;
      } else if (leaf.high === undefined) return undefined;
      else {
        next = leaf.high;
        isPast = false;
      }
    }
  }

  /**
   * The least key after `key`, which `seek` or `next` has found; `end` as there. Mostly that is the
   * next one of the leaf, which then costs no search and no new string.
   */
  next(key: string, end?: string): Awaitable<string | undefined> {
    const leaf = this.#leaf;
    if (leaf === undefined || key !== this.#last) return this.seek(successor(key), end);
    if (leaf.keys[this.#position] === key) this.#position++;
    const inFile = leaf.keys[this.#position];
    const found = this.#leastChanged(key, true, inFile ?? leaf.high) ?? inFile;
    if (found === undefined || this.#isDeleted(found)) return this.seek(successor(key), end);
    this.#last = found;
    return found;
  }

  /**
   * Goes on from what was found last, over keys of its leaf that nothing has changed, as long as
   * `take` takes them: a look at the changes for all of them, not for each. The last one taken;
   * undefined where there is none.
   */
  run(take: (key: string) => boolean): string | undefined {
    const leaf = this.#leaf, last = this.#last;
    if (leaf === undefined || last === undefined || leaf.keys[this.#position] !== last) return;
    const changed = this.#leastChanged(last, true, leaf.high);
    const end = changed === undefined ? leaf.keys.length : positionIn(leaf, changed);
    let taken: string | undefined;
    for (let at = this.#position + 1; at < end; at++) {
      const key = leaf.keys[at] ?? "";
      if (!take(key)) break;
      taken = key;
      this.#position = at;
    }
    this.#last = taken ?? last;
    return taken;
  }

  /** The value of a key that was found; undefined where it was deleted since. */
  value(key: string): Awaitable<Bytes | undefined> {
    for (const table of this.#tables) {
      const value = table.get(key);
      if (value !== undefined) return value ?? undefined;
    }
    const leaf = this.#leaf, file = this.#leafFile;
    if (leaf !== undefined && file === this.#state.file && file?.epoch === this.#leafEpoch) {
      const at = leaf.keys[this.#position] === key ? this.#position : positionIn(leaf, key);
      const slot = leaf.slots[at];
      // The chunks of an outer value may go while they are read; the state knows to look again.
      if (leaf.keys[at] === key && slot !== undefined && !isExternal(slot)) return slot.slice();
    }
    return this.#state.get(key);
  }

  /** Takes up the leaf that holds `from`; at once, unless others have their turn first. */
  #load(from: string, isWalk: boolean): Promise<void> | undefined {
    const { file } = this.#state;
    const epoch = file.epoch;
    const leaf = isWalk ? file.leafAhead(from) : file.leafFor(from);
    if (leaf instanceof Promise) return this.#loadLater(from, { file, epoch, leaf });
    this.#take(file, epoch, leaf, from);
    return undefined;
  }

  async #loadLater(
    from: string,
    { file, epoch, leaf }: { file: StateFile; epoch: number; leaf: Promise<Leaf> },
  ): Promise<void> {
    try {
      this.#take(file, epoch, await leaf, from);
    } catch (error) {
      // A rewritten file may have been closed before it was read.
      const now = this.#state.file;
      if (file === now) throw error;
      this.#take(now, now.epoch, now.leafFor(from), from);
    }
  }

  #take(file: StateFile, epoch: number, leaf: Leaf, from: string): void {
    if (!covers(leaf, from)) throw new CorruptionError(`${file.path}: a hole at "${from}"`);
    this.#leafFile = file;
    this.#leafEpoch = epoch;
    this.#leaf = leaf;
  }

  /** A walk mostly goes to the next key, so that is tried before a search. */
  #positionOf(leaf: Leaf, key: string): number {
    const next = leaf.keys[this.#position + 1];
    const here = leaf.keys[this.#position];
    if (
      next !== undefined && here !== undefined && compareKeys(here, key) < 0 &&
      compareKeys(next, key) >= 0
    ) return this.#position + 1;
    return positionIn(leaf, key);
  }

  /** The least changed key at or after `from`, or only after it; none at or after `bound`. */
  #leastChanged(from: string, isPast: boolean, bound: string | undefined): string | undefined {
    let least: string | undefined;
    for (const cursor of this.#cursors) {
      const key = isPast ? cursor.next(from) : cursor.ceiling(from);
      if (key === undefined || (bound !== undefined && compareKeys(key, bound) >= 0)) continue;
      if (least === undefined || compareKeys(key, least) < 0) least = key;
    }
    return least;
  }

  #isDeleted(key: string): boolean {
    for (const table of this.#tables) {
      const value = table.get(key);
      if (value !== undefined) return value === null;
    }
    return false;
  }
}
