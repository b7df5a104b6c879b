/**
 * A disk with files, as `disk.ts` asks for it, that outlives its processes: KV commits take time and
 * are there as a whole or not at all; notes and removals are not synced; and all that goes wrong
 * with disks goes wrong when it is told to.
 */
import type { KvKey, Mutation } from "../disk.ts";
import { type Row, SortedRows } from "./sorted_rows.ts";
import type { Draw } from "./world.ts";

/** A fault of the program, as it would show in what reaches the disk. */
export interface DiskPlant {
  readonly name: string;
  /** The commits that are made in place of one. */
  readonly commit?: (path: string, mutations: readonly Mutation[]) => readonly Mutation[][];
  /** What is found in place of a row. */
  readonly found?: (path: string, key: string, row: Uint8Array) => Uint8Array;
  /** What is removed with a file. */
  readonly removed?: (path: string, all: readonly string[]) => readonly string[];
  /** Milliseconds by which a commit is said to be durable too early. */
  readonly liesMs?: (path: string) => number;
  /** What has to go wrong for it to show, where that is rare. */
  readonly strikes?: readonly string[];
  /** Notes that go back are not synced. */
  readonly forgetsSync?: boolean;
}

/** Something that was begun and is there after a crash or not. */
interface Step {
  readonly path: string;
  readonly apply: () => void;
}

export interface Note {
  content: Uint8Array<ArrayBuffer>;
  /** As it was before what is not synced, oldest first. */
  unsynced: Uint8Array<ArrayBuffer>[];
  /** Less is noted than was acknowledged. */
  isBehind: boolean;
}

/** Of the index in a segment's name, with what follows it. */
const LOG_INDEX_LENGTH = "0000000000000001.kv".length;

export class SimulatedFiles {
  readonly kv = new Map<string, SortedRows>();
  readonly small = new Map<string, Uint8Array>();
  readonly notes = new Map<string, Note>();
  /** Nothing more can be written. */
  isFull = false;
  /** Each write fails, and may have been done. */
  isFailing = false;
  /** The process ends at so many operations from now; 0 for not. */
  crashIn = 0;
  /** When the disk has done what a file was last asked for. */
  readonly busyUntil = new Map<string, number>();
  readonly #steps = new Set<Step>();
  /** What a disk that lies has said to be durable. */
  #unsafe: { readonly path: string; readonly until: number }[] = [];
  /** What brings back files whose removal is not synced, oldest first. */
  #removed: (() => void)[] = [];
  /** What makes damage good again. */
  readonly #mends: (() => void)[] = [];
  /** What brings back commits that are lost, until a process could go on without them. */
  #torn: (() => void)[] = [];

  get isDamaged(): boolean {
    return this.#mends.length > 0 || this.#torn.length > 0;
  }

  /** A process has started and found the files good. */
  started(): void {
    this.#torn = [];
  }

  names(directory: string): string[] {
    const all = [...this.kv.keys(), ...this.small.keys(), ...this.notes.keys()];
    return all.filter((path) => path.slice(0, path.lastIndexOf("/")) === directory)
      .map((path) => path.slice(directory.length + 1));
  }

  /** Begins something; returns what ends it. */
  begin(path: string, apply: () => void): () => void {
    const step: Step = { path, apply };
    this.#steps.add(step);
    return () => {
      if (this.#steps.delete(step)) apply();
    };
  }

  /** The last commit of a file is lost where the process ends before that time. */
  unsafe(path: string, until: number): void {
    this.#unsafe.push({ path, until });
  }

  /** The file is gone for whoever looks, and may be back after a power cut. */
  remove(path: string): void {
    const rows = this.kv.get(path), small = this.small.get(path);
    if (rows !== undefined) this.#removed.push(() => this.kv.set(path, rows));
    if (small !== undefined) this.#removed.push(() => this.small.set(path, small));
    this.kv.delete(path);
    this.small.delete(path);
  }

  /** Everything that was done to directories is durable. */
  synced(): void {
    this.#removed = [];
  }

  /** What was under way is there or not, file by file; returns how much of it is lost. */
  crash(
    draw: Draw,
    isPowerCut: boolean,
    now = 0,
  ): { readonly lost: number; readonly unsynced: number } {
    const byPath = Map.groupBy(this.#steps, ({ path }) => path);
    this.#steps.clear();
    this.busyUntil.clear();
    this.crashIn = 0;
    let lost = 0, unsynced = 0;
    for (const { path, until } of this.#unsafe.splice(0).reverse()) {
      if (until > now) this.kv.get(path)?.takeBack(1);
    }
    for (const steps of byPath.values()) {
      const kept = draw(steps.length + 1);
      for (const { apply } of steps.slice(0, kept)) apply();
      lost += steps.length - kept;
    }
    if (isPowerCut) unsynced = this.#loseUnsynced(draw);
    return { lost, unsynced };
  }

  /** Turns a bit of a row of a file. Returns what was damaged, or undefined where there is nothing. */
  rot(draw: Draw, isVictim: (path: string) => boolean): string | undefined {
    const paths = [...this.kv.keys()].filter(isVictim);
    const path = paths[draw(paths.length)];
    const rows = path === undefined ? undefined : this.kv.get(path);
    if (path === undefined || rows === undefined || rows.size === 0) return undefined;
    // What a state file says of itself is one row of many, and read first.
    const isHead = path.includes("/state-") && draw(3) === 0;
    const row = isHead ? rows.rowOf(["m"]) : rows.at(draw(rows.size));
    if (row === undefined || row.value.length === 0) return undefined;
    this.#turnBit(row, draw);
    return `${path} ${row.key.join(" ")}`;
  }

  /** Turns a bit of the row that a key names, in whichever file has it; undefined where none does. */
  rotRow(draw: Draw, key: KvKey): string | undefined {
    for (const [path, rows] of this.kv) {
      const row = rows.rowOf(key);
      if (row === undefined) continue;
      this.#turnBit(row, draw);
      return `${path} ${key.join(" ")}`;
    }
    return undefined;
  }

  /** The last commits of a file are gone, though they were durable, and noted. */
  tear(draw: Draw, isVictim: (path: string) => boolean): string | undefined {
    if ([...this.notes.values()].some(({ isBehind }) => isBehind)) return undefined;
    const paths = [...this.kv.keys()].filter(isVictim);
    const path = paths[draw(paths.length)];
    const rows = path === undefined ? undefined : this.kv.get(path);
    if (path === undefined || rows === undefined) return undefined;
    const whole = rows.clone();
    const commits = rows.takeBack(1 + draw(4));
    if (commits === 0) return undefined;
    // A start does not read the segments before the last one, and nothing goes on without their end.
    const isOlder = path.includes("log-") && paths.some((other) => {
      return other.startsWith(path.slice(0, -LOG_INDEX_LENGTH)) && other > path;
    });
    if (isOlder) {
      this.#mends.push(() => {
        if (this.kv.get(path) === rows) this.kv.set(path, whole);
      });
    } else {
      this.#torn.push(() => {
        if ((this.kv.get(path) ?? rows) === rows) this.kv.set(path, whole);
      });
    }
    return `${commits} commits of ${path}`;
  }

  /** What was damaged is as it was. */
  mend(): void {
    for (const mend of [...this.#mends.splice(0), ...this.#torn.splice(0)].reverse()) mend();
    this.isFull = false;
    this.isFailing = false;
  }

  #turnBit(row: Row, draw: Draw): void {
    const { value } = row;
    const damaged = new Uint8Array(value);
    const at = draw(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << draw(8));
    row.value = damaged;
    this.#mends.push(() => {
      if (row.value === damaged) row.value = value;
    });
  }

  #loseUnsynced(draw: Draw): number {
    let lost = 0;
    for (const note of this.notes.values()) {
      const before = note.unsynced[draw(note.unsynced.length + 1)];
      if (before !== undefined) {
        lost += 1;
        note.isBehind = true;
      }
      note.content = before ?? note.content;
      note.unsynced = [];
    }
    const back = this.#removed.slice(draw(this.#removed.length + 1)).reverse();
    for (const bringBack of back) bringBack();
    this.#removed = [];
    return lost + back.length;
  }
}
