/** The log on disk: segments that follow each other, appended to at the end, dropped in front. */
import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import { AckMarker } from "./ack_marker.ts";
import { denoDisk } from "./deno_disk.ts";
import { nodeSha256, type Sha256 } from "./digest.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError, StorageError, StorageFatalError, StorageFullError } from "./errors.ts";
import type { LogEntry, Position } from "./log_entry.ts";
import { CHAIN_START, type ChainLink } from "./log_record.ts";
import { commitGroup, LogSegment, type SegmentHeader } from "./log_segment.ts";
import { Mutex } from "./mutex.ts";

export interface LogDiskOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A segment that has grown to so many bytes is closed and the next begun. */
  readonly segmentBytes: number;
  /** The real one where it is absent. */
  readonly disk?: Disk;
  /** node:crypto's where it is absent. */
  readonly sha256?: Sha256;
}

interface Sealed {
  readonly path: string;
  readonly firstIndex: number;
  bytes: number;
  open: LogSegment | undefined;
  /** While it is being opened. */
  opening?: Promise<LogSegment> | undefined;
  header?: SegmentHeader;
}

/** Entries read at once when a range is walked. */
const PAGE_ENTRIES = 256;

export class LogDisk {
  readonly #options: LogDiskOptions;
  readonly #disk: Disk;
  readonly #sha256: Sha256;
  readonly #marker: AckMarker;
  /** All segments but the last, oldest first. */
  readonly #older: Sealed[] = [];
  /** One change at a time: an append must not meet a change of segments. */
  readonly #mutex = new Mutex();
  #active: LogSegment;
  /** What ended all changes: see `#change`. */
  #failure: StorageFatalError | undefined;
  commits = 0;
  commitMs = 0;

  private constructor(options: LogDiskOptions, marker: AckMarker, active: LogSegment) {
    this.#options = options;
    this.#disk = options.disk ?? denoDisk;
    this.#sha256 = options.sha256 ?? nodeSha256;
    this.#marker = marker;
    this.#active = active;
  }

  /**
   * Opens the log of a directory. `base` is where a log starts that is not there yet. Throws
   * `CorruptionError` where entries are missing that were once on disk.
   */
  static async open(options: LogDiskOptions, base: ChainLink = CHAIN_START): Promise<LogDisk> {
    const { directory, disk = denoDisk } = options;
    const marker = await AckMarker.open(`${directory}/acknowledged`, disk);
    try {
      const names = await segmentNames(directory, disk);
      const active = await openLast(options, names, base, marker.found?.index ?? 0);
      const log = new LogDisk(options, marker, active);
      for (const name of names) {
        const path = `${directory}/${name}`;
        if (path === active.path) break;
        const bytes = await disk.kvBytes(path);
        log.#older.push({ path, firstIndex: indexIn(name), bytes, open: undefined });
      }
      log.#checkMarker();
      return log;
    } catch (error) {
      marker.close();
      throw error;
    }
  }

  get firstIndex(): number {
    return this.#older[0]?.firstIndex ?? this.#active.firstIndex;
  }

  get last(): ChainLink {
    return this.#active.last;
  }

  get segments(): number {
    return this.#older.length + 1;
  }

  /** Bytes on disk, the active segment's estimated. */
  get bytes(): number {
    return this.#older.reduce((sum, segment) => sum + segment.bytes, this.#active.bytes);
  }

  /** Of the segment that is appended to; estimated. */
  get activeBytes(): number {
    return this.#active.bytes;
  }

  /**
   * Appends entries that follow `last`; they are durable when it returns. Where it throws, those
   * up to `last` are, and none after.
   */
  append(entries: readonly LogEntry[]): Promise<void> {
    return this.#change(async () => {
      for (let at = 0; at < entries.length;) {
        const count = commitGroup(entries, at);
        await this.#appendGroup(entries.slice(at, at + count));
        at += count;
      }
    });
  }

  async #appendGroup(entries: readonly LogEntry[]): Promise<void> {
    if (this.#active.bytes >= this.#options.segmentBytes) await this.#roll();
    const start = this.#options.clock.monotonic();
    try {
      await this.#active.append(entries);
    } finally {
      this.commits += 1;
      this.commitMs += this.#options.clock.monotonic() - start;
    }
    try {
      this.#marker.note(this.last);
    } catch (error) {
      // The entries are durable; the marker lags, and a later note makes up for it.
      this.#options.log.warn("the last durable log entry could not be noted", {
        error: describeError(error),
      });
    }
  }

  /** The chain link of an entry that is here, or of the position before the first. */
  async link(index: number): Promise<ChainLink> {
    if (index === this.last.index) return this.last;
    if (index === this.firstIndex - 1) return (await this.#firstHeader()).before;
    const [read] = await (await this.#holding(index)).read(index, index);
    if (read === undefined) throw new CorruptionError(`log entry ${index} is missing`);
    return read.link;
  }

  /**
   * Removes the entries from `index` on; they were never committed. There may be none: what came and
   * was replaced before it was written counts in memory alone.
   */
  truncate(index: number): Promise<void> {
    return this.#change(async () => {
      if (index <= this.last.index) await this.#truncate(index);
    });
  }

  async #truncate(index: number): Promise<void> {
    // Told first that less counts, else a crash in between would look like a loss.
    await this.#marker.lower(index - 1);
    while (index < this.#active.firstIndex) {
      const previous = this.#older.at(-1);
      if (previous === undefined) throw new CorruptionError(`the log starts after ${index}`);
      const opened = await this.#opened(previous);
      // At once, so that whoever reads meanwhile finds it in one place or the other.
      this.#older.pop();
      const dropped = this.#active;
      this.#active = opened;
      await dropped.retire();
      await this.#disk.removeKv(dropped.path);
    }
    await this.#active.truncate(index);
    this.#marker.note(this.last);
  }

  /** Entries from `from` to `to`, in pages, each proved to be what was written, none missing. */
  async *read(from: number, to: number): AsyncGenerator<LogEntry[]> {
    let next = from;
    while (next <= to) {
      const segment = await this.#holding(next);
      const end = Math.min(to, segment.last.index, next + PAGE_ENTRIES - 1);
      const page = (await segment.read(next, end)).map(({ entry }) => entry);
      if (page.length === 0 || page.length !== end - next + 1) {
        throw new CorruptionError(`${segment.path}: log entries from ${next} on are missing`);
      }
      next += page.length;
      yield page;
    }
  }

  /** The terms of the log as runs: each term with its first index, for the entries still here. */
  async termRuns(): Promise<Position[]> {
    const runs: Position[] = [];
    let link: ChainLink = this.last;
    while (link.index >= this.firstIndex) {
      runs.unshift({ index: Math.max(link.termStart, this.firstIndex), term: link.term });
      if (link.termStart <= this.firstIndex) break;
      const index = link.termStart - 1;
      const [read] = await (await this.#holding(index)).read(index, index);
      if (read === undefined) throw new CorruptionError(`log entry ${index} is missing`);
      link = read.link;
    }
    return runs;
  }

  /**
   * Makes a change when its turn has come. What failed may be on disk all the same, a segment that
   * is not known here or entries beyond the last: nothing is added to it, so that the next start finds
   * one or the other.
   */
  #change(work: () => Promise<void>): Promise<void> {
    return this.#mutex.run(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await work();
      } catch (error) {
        if (error instanceof StorageFatalError) this.#failure = error;
        throw error;
      }
    });
  }

  /** Closes the active segment and begins the next, unless there is nothing in it. */
  roll(): Promise<void> {
    return this.#change(() => this.#roll());
  }

  async #roll(): Promise<void> {
    const full = this.#active;
    if (full.last.index < full.firstIndex) return;
    const { directory, clock, log } = this.#options;
    const header = { before: full.last, createdAt: clock.now() };
    try {
      const path = segmentPath(directory, full.last.index + 1);
      this.#active = await LogSegment.create(path, header, this.#disk, this.#sha256);
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error;
      // The segment at hand will do until there is space.
      log.warn("no space for a new log segment");
      return;
    }
    // At once, so that the chain of segments has no gap for whoever reads meanwhile.
    const { path, firstIndex, bytes } = full;
    const sealed = { path, firstIndex, bytes, open: undefined };
    this.#older.push(sealed);
    await full.retire();
    sealed.bytes = await this.#disk.kvBytes(path);
  }

  /**
   * Drops the oldest segments while all their entries are before `keepFrom` and `wanted` says so.
   * Returns how many were dropped.
   */
  async dropOldest(keepFrom: number, wanted: () => boolean | Promise<boolean>): Promise<number> {
    let dropped = 0;
    for (;;) {
      const oldest = this.#older[0];
      const next = this.#older[1]?.firstIndex ?? this.#active.firstIndex;
      if (oldest === undefined || next > keepFrom || !(await wanted())) return dropped;
      this.#older.shift();
      await oldest.open?.retire();
      await this.#disk.removeKv(oldest.path);
      dropped += 1;
    }
  }

  /** Replaces the whole log by an empty one that starts after `base`. */
  restart(base: ChainLink): Promise<void> {
    return this.#change(() => this.#restart(base));
  }

  async #restart(base: ChainLink): Promise<void> {
    const { directory, clock } = this.#options;
    // Until the new log is there nothing is missing, whatever is left of the old one.
    await this.#marker.lower(0);
    const old = [...this.#older.map(({ path }) => path), this.#active.path];
    this.#active.close();
    for (const { open } of this.#older) open?.close();
    this.#older.length = 0;
    for (const path of old) await this.#disk.removeKv(path);
    const header = { before: base, createdAt: clock.now() };
    const path = segmentPath(directory, base.index + 1);
    this.#active = await LogSegment.create(path, header, this.#disk, this.#sha256);
    this.#marker.note(base);
  }

  /** Wall-clock time at which the oldest segment was begun. */
  async oldestCreatedAt(): Promise<number> {
    return (await this.#firstHeader()).createdAt;
  }

  /** Looks at the file of the active segment; what it has grown by the WAL counts. */
  async measure(): Promise<number> {
    await this.#active.measure();
    return this.bytes;
  }

  close(): void {
    for (const { open } of this.#older) open?.close();
    this.#active.close();
    this.#marker.close();
  }

  /** Also of a segment whose entries are damaged, so that compaction does not depend on them. */
  async #firstHeader(): Promise<SegmentHeader> {
    const oldest = this.#older[0];
    if (oldest === undefined) return this.#active.header;
    oldest.header ??= oldest.open?.header ??
      await LogSegment.headerOf(oldest.path, this.#disk);
    return oldest.header;
  }

  async #holding(index: number): Promise<LogSegment> {
    if (index >= this.#active.firstIndex) return this.#active;
    const older = this.#older.findLast((segment) => segment.firstIndex <= index);
    // Consensus hears of a compaction after it is done.
    if (older === undefined) throw new StorageError(`log entry ${index} is compacted away`);
    return await this.#opened(older);
  }

  /** Whoever asks while it is being opened gets the same: the log may have another end by then. */
  async #opened(sealed: Sealed): Promise<LogSegment> {
    if (sealed.open !== undefined) return sealed.open;
    sealed.opening ??= this.#open(sealed).finally(() => {
      sealed.opening = undefined;
    });
    return await sealed.opening;
  }

  async #open(sealed: Sealed): Promise<LogSegment> {
    const position = this.#older.indexOf(sealed);
    const next = this.#older[position + 1]?.firstIndex ?? this.#active.firstIndex;
    const segment = await LogSegment.open(sealed.path, this.#disk, this.#sha256);
    if (segment === undefined || segment.last.index !== next - 1) {
      segment?.close();
      const end = segment === undefined ? "is empty" : `ends at entry ${segment.last.index}`;
      throw new CorruptionError(`${sealed.path}: the segment ${end} and should at ${next - 1}`);
    }
    sealed.open = segment;
    return segment;
  }

  #checkMarker(): void {
    const { found, path } = this.#marker;
    if (found === undefined) {
      this.#options.log.warn("the note of the last durable log entry is unreadable", { path });
    } else if (found.index > this.last.index) {
      throw new CorruptionError(
        `${this.#active.path}: log entries ${this.last.index + 1} to ${found.index} were ` +
          `on disk and are missing`,
      );
    }
  }
}

function segmentPath(directory: string, firstIndex: number): string {
  return `${directory}/log-${String(firstIndex).padStart(16, "0")}.kv`;
}

const SEGMENT_NAME = /^log-(\d{16})\.kv$/;

function indexIn(name: string): number {
  return Number(SEGMENT_NAME.exec(name)?.[1]);
}

async function segmentNames(directory: string, disk: Disk): Promise<string[]> {
  return (await disk.names(directory)).filter((name) => SEGMENT_NAME.test(name)).sort();
}

/** Opens the last segment; one whose creation was interrupted is removed and the one before taken. */
async function openLast(
  { directory, clock, disk = denoDisk, sha256 = nodeSha256 }: LogDiskOptions,
  names: string[],
  base: ChainLink,
  acknowledged: number,
): Promise<LogSegment> {
  for (;;) {
    const name = names.at(-1);
    if (name === undefined) {
      const header = { before: base, createdAt: clock.now() };
      const path = segmentPath(directory, base.index + 1);
      return await LogSegment.create(path, header, disk, sha256);
    }
    const path = `${directory}/${name}`;
    const segment = await LogSegment.open(path, disk, sha256);
    if (segment !== undefined) {
      if (segment.firstIndex === indexIn(name)) return segment;
      segment.close();
      throw new CorruptionError(`${path}: the segment starts at entry ${segment.firstIndex}`);
    }
    if (acknowledged >= indexIn(name)) {
      throw new CorruptionError(`${path}: log entries up to ${acknowledged} are missing`);
    }
    await disk.removeKv(path);
    names.pop();
  }
}
