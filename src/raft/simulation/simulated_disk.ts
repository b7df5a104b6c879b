/**
 * A disk that takes time. What was written and not yet synced is lost in a crash, from some point
 * on; what a process reads is what it wrote.
 */
import { CorruptionError, StorageError } from "../errors.ts";
import type { DrivenLog, HardStateStore } from "../driver.ts";
import { EntryType, type LogEntry, type Position, START } from "../log_entry.ts";
import { type Configuration, decodeConfiguration } from "../consensus/configuration.ts";
import type { PlacedConfiguration } from "../consensus/core.ts";
import type { HardState } from "../consensus/messages.ts";
import type { Process } from "./virtual_time.ts";

/** The state machine: registers, and a digest over everything that was applied. */
export interface Registers {
  readonly at: Position;
  readonly values: ReadonlyMap<string, string>;
  readonly digest: number;
  readonly configuration: Configuration;
}

class Content {
  constructor(
    public state: Registers,
    public hard: HardState = { term: 0, vote: "" },
    public base: Position = START,
    public entries: LogEntry[] = [],
    /** The memberships that are among the entries, oldest first. */
    public changes: PlacedConfiguration[] = [],
  ) {}

  clone(): Content {
    const { state, hard, base, entries, changes } = this;
    return new Content(state, hard, base, [...entries], [...changes]);
  }

  /** The last membership in the log, or the state's where the log holds none after it. */
  get configuration(): Configuration {
    const last = this.changes.at(-1);
    return last !== undefined && last.index > this.state.at.index
      ? last.configuration
      : this.state.configuration;
  }

  get last(): Position {
    return this.entries.at(-1) ?? this.base;
  }

  append(entry: LogEntry): void {
    if (entry.index <= this.base.index) return;
    if (entry.index !== this.last.index + 1) throw new CorruptionError("a gap in the log");
    this.entries.push(entry);
    if (entry.type !== EntryType.configuration) return;
    this.changes.push({ index: entry.index, configuration: decodeConfiguration(entry.payload) });
  }

  truncate(index: number): void {
    while (this.entries.length > 0 && this.last.index >= index) this.entries.pop();
    while ((this.changes.at(-1)?.index ?? 0) >= index) this.changes.pop();
  }

  compact(base: Position): void {
    if (base.index <= this.base.index) return;
    this.entries = this.entries.filter((entry) => entry.index > base.index);
    this.changes = this.changes.filter((change) => change.index > base.index);
    this.base = base;
  }
}

type Step = (content: Content) => void;

export interface DiskTiming {
  /** Milliseconds until a write is durable. */
  readonly syncMs: () => number;
  /** Milliseconds by which a disk that lies says so too early. */
  readonly liesMs: number;
}

export class SimulatedDisk {
  #durable: Content;
  #view: Content;
  #process: Process | undefined;
  /** Written and not durable yet. */
  #pending: Step[] = [];

  constructor(configuration: Configuration, readonly timing: DiskTiming) {
    this.#durable = new Content({ at: START, values: new Map(), digest: 0, configuration });
    this.#view = this.#durable.clone();
  }

  get content(): Readonly<Content> {
    return this.#view;
  }

  /** Another process works on it from now on. */
  open(process: Process): void {
    this.#process = process;
  }

  /** Loses a part of what is not synced; returns how many steps are lost. */
  crash(draw: (bound: number) => number): number {
    const kept = draw(this.#pending.length + 1);
    const lost = this.#pending.length - kept;
    for (const step of this.#pending.slice(0, kept)) step(this.#durable);
    this.#pending = [];
    this.#view = this.#durable.clone();
    return lost;
  }

  readonly log: DrivenLog = ((disk) => ({
    get last() {
      return disk.#view.last;
    },
    append: (entries) => disk.#write(entries.map((entry) => (content) => content.append(entry))),
    truncate: (index) => disk.#write([(content) => content.truncate(index)]),
    read: (from, to) => disk.#read(from, to),
  } satisfies DrivenLog))(this);

  readonly nodeFile: HardStateStore = {
    save: (_, hard) =>
      this.#write([(content) => {
        content.hard = hard;
      }]),
  };

  /** The state as of now is kept, and the log only from `trailing` entries before it. */
  flush(state: Registers, trailing: number): Position {
    const known = this.#view.entries.find(({ index }) => index === state.at.index - trailing);
    const base = known ?? this.#view.base;
    const position = { index: base.index, term: base.term };
    for (const content of [this.#durable, this.#view]) {
      content.state = state;
      content.compact(position);
    }
    return position;
  }

  /** A state that came in replaces everything but term and vote. */
  install(state: Registers): Promise<void> {
    return this.#write([(content) => {
      content.state = state;
      content.entries = [];
      content.changes = [];
      content.base = state.at;
    }]);
  }

  #write(steps: readonly Step[]): Promise<void> {
    const process = this.#process;
    if (process === undefined) throw new StorageError("nobody has the disk open");
    this.#pending.push(...steps);
    const { syncMs, liesMs } = this.timing;
    const takes = syncMs();
    process.time.after(takes + liesMs, () => {
      if (!process.isAlive) return;
      for (const step of this.#pending.splice(0, steps.length)) step(this.#durable);
    });
    return new Promise((resolve) => {
      process.time.after(takes, () => {
        if (!process.isAlive) return;
        for (const step of steps) step(this.#view);
        process.run(resolve);
      });
    });
  }

  async *#read(from: number, to: number): AsyncGenerator<LogEntry[]> {
    if (from <= this.#view.base.index) throw new StorageError("compacted away");
    yield this.#view.entries.filter(({ index }) => index >= from && index <= to);
  }
}
