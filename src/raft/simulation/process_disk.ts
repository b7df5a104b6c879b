/** The disk as one process sees it: every operation may be its last, and takes its time. */
import { concat } from "../../base/bytes.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Disk, KvStore, LeafRow, Mutation, NoteFile, RowFill, RowReader } from "../disk.ts";
import { StorageFatalError, StorageFullError } from "../errors.ts";
import type { DiskPlant, Note, SimulatedFiles } from "./simulated_files.ts";
import { SortedRows } from "./sorted_rows.ts";
import type { Process } from "./virtual_time.ts";
import type { Draw } from "./world.ts";

export interface ProcessDiskParts {
  readonly files: SimulatedFiles;
  readonly process: Process;
  readonly draw: Draw;
  /** Milliseconds until a write is durable. */
  readonly syncMs: () => number;
  /** Milliseconds of a read. */
  readonly readMs: () => number;
  /** Ends the process. */
  readonly crash: () => void;
  /** Told of KV files that are removed. */
  readonly removed: (path: string) => void;
  readonly plant: DiskPlant | undefined;
  /** How many bytes a written byte of a state file takes, until the file is rewritten. */
  readonly waste: number;
}

/** Unsynced writes of a note that may be lost; the kernel has written what is older. */
const UNSYNCED_MAX = 20;

/** Rows of a new file that come to the disk together: few, so that a crash may leave any part of it. */
const FILLED_AT_ONCE = 2;

export function processDisk(parts: ProcessDiskParts): Disk {
  return new ProcessDisk(parts).disk;
}

class ProcessDisk {
  readonly #parts: ProcessDiskParts;

  constructor(parts: ProcessDiskParts) {
    this.#parts = parts;
  }

  readonly disk: Disk = {
    makeDirectory: () => this.#read(() => {}),
    lock: () => this.#read(() => ({ release() {} })),
    names: (directory) => this.#read(() => this.#parts.files.names(directory)),
    read: (path) => this.#read(() => this.#parts.files.small.get(path)),
    replace: (directory, name, content) => this.#replace(`${directory}/${name}`, content),
    remove: (path) => this.#read(() => this.#remove(path)),
    openKv: (path) => this.#openKv(path),
    fillKv: (path) => this.#fillKv(path),
    openRows: (path) => this.#openRows(path),
    kvBytes: (path) => this.#read(() => this.#kvBytes(path)),
    removeKv: (path) => this.#read(() => this.#removeKv(path)),
    renameKv: (directory, name, to) =>
      this.#read(() => this.#rename(`${directory}/${name}`, `${directory}/${to}`)),
    openNote: (path) => this.#read(() => this.#openNote(path)),
  };

  /** Whether the process goes on; each time that it is asked may be the last. */
  #goesOn(): boolean {
    const { files, process, crash } = this.#parts;
    if (process.isAlive && files.crashIn > 0) {
      files.crashIn -= 1;
      if (files.crashIn === 0) crash();
    }
    return process.isAlive;
  }

  async #read<T>(look: () => T): Promise<T> {
    if (!this.#goesOn()) return await never();
    const takes = this.#parts.readMs();
    if (takes > 0) await this.#sleep(takes);
    return look();
  }

  #sleep(ms: number): Promise<void> {
    const { process } = this.#parts;
    return new Promise((resolve) => {
      process.time.after(ms, () => process.run(resolve));
    });
  }

  async #write(path: string, apply: () => void): Promise<void> {
    const { files, process, draw, syncMs, plant } = this.#parts;
    if (!this.#goesOn()) return await never();
    const now = process.time.now;
    const durableAt = Math.max(now, files.busyUntil.get(path) ?? 0) + syncMs();
    files.busyUntil.set(path, durableAt);
    const lie = plant?.liesMs?.(path) ?? 0;
    if (files.isFailing) {
      await this.#sleep(durableAt - now);
      if (draw(2) === 0) apply();
      throw new Error("disk I/O error");
    }
    const end = files.begin(path, apply);
    const done = () => {
      if (process.isAlive) end();
    };
    await new Promise<void>((resolve) => {
      process.time.after(durableAt - now, () => {
        done();
        if (lie > 0) files.unsafe(path, process.time.now + lie);
        process.run(resolve);
      });
    });
    if (!this.#goesOn()) await never();
  }

  async #replace(path: string, content: Uint8Array): Promise<void> {
    const { files } = this.#parts;
    if (files.isFull) throw new StorageFullError(`no space left for ${path}`);
    const bytes = new Uint8Array(content);
    try {
      await this.#write(path, () => {
        files.small.set(path, bytes);
        files.synced();
      });
    } catch (error) {
      throw new StorageFatalError(`${path}: disk I/O error`, { cause: error });
    }
  }

  async #openKv(path: string): Promise<KvStore> {
    const { files, plant, process } = this.#parts;
    const rows = await this.#read(() => {
      const known = files.kv.get(path);
      if (known === undefined && files.isFull) throw new Error("database or disk is full");
      const rows = known ?? new SortedRows();
      files.kv.set(path, rows);
      return rows;
    });
    return {
      get: (key) =>
        this.#read(() => {
          const row = rows.get(key);
          return row === undefined ? undefined : plant?.found?.(path, `${key[0]}`, row) ?? row;
        }),
      list: (range) => this.#read(() => rows.list(range)),
      commit: (mutations) => this.#commit(path, rows, mutations),
      close: () => {
        if (process.isAlive) rows.checkpoint();
      },
    };
  }

  async #commit(path: string, rows: SortedRows, mutations: readonly Mutation[]): Promise<void> {
    const { files, plant } = this.#parts;
    checkLimits(mutations);
    if (files.isFull) {
      await this.#read(() => {});
      throw new Error("database or disk is full");
    }
    for (const commit of plant?.commit?.(path, mutations) ?? [mutations]) {
      await this.#write(path, () => {
        rows.commit(commit);
        files.synced();
      });
    }
  }

  /** Its rows come to the disk at the end, in parts: a crash in between leaves some of them. */
  async #fillKv(path: string): Promise<RowFill> {
    const kv = await this.#openKv(path);
    const put: Mutation[] = [];
    return {
      put: (key, value) => void put.push({ key, value: concat(value) }),
      finish: async () => {
        for (let at = 0; at < put.length; at += FILLED_AT_ONCE) {
          await kv.commit(put.slice(at, at + FILLED_AT_ONCE));
        }
        kv.close();
      },
      abandon: () => Promise.resolve(),
    };
  }

  #openRows(path: string): RowReader {
    let rows = this.#parts.files.kv.get(path) ?? new SortedRows();
    const leafRow = (row: { key: readonly unknown[]; value: Uint8Array }): LeafRow => ({
      low: typeof row.key[1] === "string" ? row.key[1] : undefined,
      value: concat(row.value),
    });
    return {
      pin() {
        rows = rows.clone();
      },
      first() {
        const row = rows.get(["m"]);
        return row === undefined ? undefined : concat(row);
      },
      floor(key) {
        const range = { start: ["l", ""], end: ["l", `${key}\0`], limit: 1, reverse: true };
        const [row] = rows.list(range);
        return row === undefined ? undefined : leafRow(row);
      },
      ahead: (low, limit) => rows.list({ start: ["l", low], end: ["m"], limit }).map(leafRow),
      leaves: () => rows.list({ start: ["l", ""], end: ["m"] }).map(leafRow),
      chunks: (id, limit): Bytes[] =>
        rows.list({ start: ["v", id, 0], end: ["v", id, limit], limit })
          .map(({ value }) => concat(value)),
      close() {},
    };
  }

  #kvBytes(path: string): number {
    const { files, waste } = this.#parts;
    const bytes = files.kv.get(path)?.written ?? 0;
    return path.includes("/state-") ? bytes * waste : bytes;
  }

  #remove(path: string): void {
    this.#parts.files.remove(path);
  }

  #removeKv(path: string): void {
    const { files, plant, removed } = this.#parts;
    if (files.kv.has(path)) removed(path);
    for (const more of plant?.removed?.(path, [...files.kv.keys()]) ?? []) files.remove(more);
    files.remove(path);
  }

  #rename(path: string, to: string): void {
    const { files } = this.#parts;
    const rows = files.kv.get(path);
    if (rows !== undefined) files.kv.set(to, rows);
    files.kv.delete(path);
    files.synced();
  }

  #openNote(path: string): NoteFile {
    const { files, process, plant } = this.#parts;
    const note: Note = files.notes.get(path) ?? {
      content: new Uint8Array(0),
      unsynced: [],
      isBehind: false,
    };
    files.notes.set(path, note);
    return {
      content: note.content,
      write: (at, bytes) => {
        if (!process.isAlive) return;
        const content = new Uint8Array(Math.max(note.content.length, at + bytes.length));
        content.set(note.content);
        content.set(bytes, at);
        note.unsynced.push(note.content);
        if (note.unsynced.length > UNSYNCED_MAX) note.unsynced.shift();
        note.content = content;
        note.isBehind = false;
      },
      sync: async () => {
        if (!plant?.forgetsSync) {
          await this.#write(path, () => {
            note.unsynced = [];
          });
        }
      },
      close: () => {},
    };
  }
}

/** Deno KV's, over which it throws. */
function checkLimits(mutations: readonly Mutation[]): void {
  let bytes = 0;
  for (const { key, value } of mutations) {
    const length = value?.length ?? 0;
    if (length > 65_536) throw new TypeError("Value too large (max 65536 bytes)");
    bytes += length + 10 * key.length;
  }
  if (mutations.length > 1000) throw new TypeError("Too many mutations (max 1000)");
  if (bytes > 819_200) throw new TypeError("Total mutation size too large (max 819200 bytes)");
}

function never(): Promise<never> {
  return new Promise(() => {});
}
