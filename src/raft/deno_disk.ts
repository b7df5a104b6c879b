/**
 * The real disk. Deno KV keeps SQLite in WAL mode at synchronous=FULL: `strace` shows one fsync of
 * the -wal file for each commit before its promise resolves (Deno 2.9.6), so a commit here is
 * durable when it returns.
 */
import { removeIfThere } from "../base/files.ts";
import { lockDirectory } from "./dir_lock.ts";
import type { Disk, KvKey, KvRow, KvStore, Mutation, NoteFile, RowRange } from "./disk.ts";
import { readIfThere, replaceFile, syncDirectory } from "./durable_file.ts";
import { CorruptionError } from "./errors.ts";
import { probeSqlite } from "./sqlite_probe.ts";
import { SqliteFill } from "./sqlite_fill.ts";
import { SqliteRows } from "./sqlite_rows.ts";

export const denoDisk: Disk = {
  makeDirectory: (path) => Deno.mkdir(path, { recursive: true, mode: 0o700 }),
  lock: lockDirectory,
  read: readIfThere,
  replace: replaceFile,
  remove: removeIfThere,
  openRows: (path) => new SqliteRows(path),
  async names(directory) {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) names.push(name);
    return names;
  },
  async openKv(path) {
    probeSqlite(path);
    return new DenoKv(path, await Deno.openKv(path));
  },
  async fillKv(path) {
    // It makes the tables.
    (await Deno.openKv(path)).close();
    return await SqliteFill.open(path);
  },
  async kvBytes(path) {
    let bytes = 0;
    for (const name of [path, `${path}-wal`]) {
      try {
        bytes += (await Deno.stat(name)).size;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return bytes;
  },
  async removeKv(path) {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) await removeIfThere(path + suffix);
  },
  async renameKv(directory, name, to) {
    for (const suffix of ["", "-wal", "-shm"]) {
      try {
        await Deno.rename(`${directory}/${name}${suffix}`, `${directory}/${to}${suffix}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    await syncDirectory(directory);
  },
  async openNote(path, bytes): Promise<NoteFile> {
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
    const content = new Uint8Array(bytes);
    const length = (await file.read(content)) ?? 0;
    return {
      content: content.subarray(0, length),
      write(at, bytes) {
        file.seekSync(at, Deno.SeekMode.Start);
        file.writeSync(bytes);
      },
      sync: () => file.syncData(),
      close: () => file.close(),
    };
  },
};

class DenoKv implements KvStore {
  readonly #path: string;
  readonly #kv: Deno.Kv;

  constructor(path: string, kv: Deno.Kv) {
    this.#path = path;
    this.#kv = kv;
  }

  async get(key: KvKey): Promise<Uint8Array | undefined> {
    const { value } = await this.#kv.get(key);
    return value === null ? undefined : this.#bytes(value);
  }

  async list({ start, end, limit, reverse = false }: RowRange): Promise<KvRow[]> {
    const rows: KvRow[] = [];
    const options = { reverse, batchSize: Math.min(limit ?? 500, 500) };
    const iterator = this.#kv.list({ start, end }, limit ? { ...options, limit } : options);
    for await (const row of iterator) rows.push({ key: row.key, value: this.#bytes(row.value) });
    return rows;
  }

  async commit(mutations: readonly Mutation[]): Promise<void> {
    const atomic = this.#kv.atomic();
    for (const { key, value } of mutations) {
      if (value === null) atomic.delete(key);
      else atomic.set(key, value);
    }
    await atomic.commit();
  }

  /** Writes the WAL back into the file and removes it. */
  close(): void {
    this.#kv.close();
  }

  #bytes(value: unknown): Uint8Array {
    if (value instanceof Uint8Array) return value;
    throw new CorruptionError(`${this.#path}: a row is not a byte string`);
  }
}
