/**
 * The log as consensus sees it: the term of every entry (as runs, so it costs nothing to keep) and
 * the entries themselves only as far back as they are likely to be asked for.
 */
import type { LogEntry, Position } from "../log_entry.ts";

export interface LogBoot {
  /** The position before the first entry that is still on disk. */
  readonly base: Position;
  /** Terms with the first index of each, for what is on disk after `base`. */
  readonly runs: readonly Position[];
  readonly lastIndex: number;
  /** The entries after what is applied, which will be asked for first. */
  readonly tail: readonly LogEntry[];
}

export class EntryLog {
  #base: Position;
  readonly #runs: Position[];
  #lastIndex: number;
  /** The newest entries, `#window[0]` at `#windowStart`. */
  #window: LogEntry[] = [];
  #windowStart: number;
  #windowBytes = 0;

  constructor(boot: LogBoot, readonly windowBytesMax: number) {
    this.#base = boot.base;
    this.#runs = [...boot.runs];
    this.#lastIndex = boot.lastIndex;
    this.#window = [...boot.tail];
    this.#windowStart = boot.lastIndex + 1 - boot.tail.length;
    for (const entry of boot.tail) this.#windowBytes += entry.payload.length;
  }

  get base(): Position {
    return this.#base;
  }

  get last(): Position {
    return { index: this.#lastIndex, term: this.#runs.at(-1)?.term ?? this.#base.term };
  }

  /** The term of an entry, or undefined where it is compacted away or not there yet. */
  term(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    if (index < this.#base.index || index > this.#lastIndex) return undefined;
    return this.#runs.findLast((run) => run.index <= index)?.term;
  }

  has({ index, term }: Position): boolean {
    return this.term(index) === term;
  }

  /** The first index of the term that the entry at `index` is of, as far as the log reaches. */
  termStart(index: number): number {
    return this.#runs.findLast((run) => run.index <= index)?.index ?? this.#base.index;
  }

  append(entry: LogEntry): void {
    if (entry.index !== this.#lastIndex + 1) throw new Error("log entries must follow each other");
    if (entry.term < this.last.term) throw new Error("terms never go back in a log");
    if (entry.term !== this.last.term || this.#runs.length === 0) {
      this.#runs.push({ index: entry.index, term: entry.term });
    }
    this.#lastIndex = entry.index;
    this.#window.push(entry);
    this.#windowBytes += entry.payload.length;
  }

  /** Forgets the entries from `index` on. */
  truncate(index: number): void {
    if (index <= this.#base.index) throw new Error("what is compacted can't be truncated");
    while ((this.#runs.at(-1)?.index ?? 0) >= index) this.#runs.pop();
    for (const entry of this.#window.splice(Math.max(0, index - this.#windowStart))) {
      this.#windowBytes -= entry.payload.length;
    }
    this.#lastIndex = index - 1;
    this.#windowStart = Math.min(this.#windowStart, index);
  }

  /** The entries from `from` to `to` where all of them are in memory. */
  recent(from: number, to: number): LogEntry[] | undefined {
    if (from < this.#windowStart || to > this.#lastIndex) return undefined;
    return this.#window.slice(from - this.#windowStart, to - this.#windowStart + 1);
  }

  /** Lets go of the oldest entries up to `index` once the window is well over its budget. */
  trim(index: number): void {
    // Moving what stays is dear, so it is done once for many entries.
    if (this.#windowBytes < 2 * this.windowBytesMax) return;
    let drop = 0;
    while (this.#windowBytes > this.windowBytesMax && this.#windowStart + drop <= index) {
      this.#windowBytes -= this.#window[drop]?.payload.length ?? 0;
      drop += 1;
    }
    if (drop === 0) return;
    this.#window.splice(0, drop);
    this.#windowStart += drop;
  }

  /**
   * The entries up to `base` are gone from disk. Told late it may be behind: a state that was taken in
   * meanwhile has dropped more.
   */
  compact(base: Position): void {
    if (base.index <= this.#base.index) return;
    this.#base = base;
    while ((this.#runs[1]?.index ?? Infinity) <= base.index + 1) this.#runs.shift();
    const first = this.#runs[0];
    if (first !== undefined && first.index <= base.index) {
      this.#runs[0] = { index: base.index + 1, term: first.term };
    }
    if (base.index >= this.#lastIndex) this.#runs.length = 0;
  }

  /** Starts anew after a snapshot. */
  restart(base: Position): void {
    this.#base = base;
    this.#runs.length = 0;
    this.#lastIndex = base.index;
    this.#window = [];
    this.#windowStart = base.index + 1;
    this.#windowBytes = 0;
  }
}
