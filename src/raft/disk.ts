/**
 * What the storage asks of a disk, so that all that is above it runs as well on one that is made up
 * (`simulation/`). `deno_disk.ts` is the real one. Paths are those of the data directory.
 */
import type { Bytes } from "../base/bytes.ts";

export type KvKey = readonly (string | number)[];

/** A put, or a delete where the value is null. */
export interface Mutation {
  readonly key: KvKey;
  readonly value: Uint8Array | null;
}

export interface KvRow {
  readonly key: readonly Deno.KvKeyPart[];
  readonly value: Uint8Array;
}

export interface RowRange {
  readonly start: KvKey;
  readonly end: KvKey;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** A KV file that is open. What it throws is what the disk says; `KvFile` makes sense of it. */
export interface KvStore {
  get(key: KvKey): Promise<Uint8Array | undefined>;
  list(range: RowRange): Promise<KvRow[]>;
  /** All of it or nothing, durable when it resolves. */
  commit(mutations: readonly Mutation[]): Promise<void>;
  close(): void;
}

/** The row of a leaf; without its key where that is none. */
export interface LeafRow {
  readonly low: string | undefined;
  readonly value: Bytes;
}

/** The rows of a state file, read beside the store that writes them, and without waiting for it. */
export interface RowReader {
  /** Shows what is there now, whatever is committed later. */
  pin(): void;
  /** The row `["m"]`. */
  first(): Bytes | undefined;
  /** The last row `["l", low]` with a `low` up to `key`. */
  floor(key: string): LeafRow | undefined;
  /** At most so many rows `["l", low]`, from one with this `low` or after it on. */
  ahead(low: string, limit: number): LeafRow[];
  /** All rows `["l", low]`. */
  leaves(): Iterable<LeafRow>;
  /** The first so many rows `["v", id, n]`, each a copy for the caller alone. */
  chunks(id: number, limit: number): Bytes[];
  close(): void;
}

/** A new KV file that is filled in one go; until that has ended it may hold anything. */
export interface RowFill {
  /** Puts a row. No key twice; what is put is kept in memory only in a small part. */
  put(key: KvKey, value: Uint8Array): void;
  /** Everything is in the file, and durable, when it resolves. Lets go of it, also where it throws. */
  finish(): Promise<void>;
  /** Lets go of the file, which is of no use then. Harmless where that is done. */
  abandon(): Promise<void>;
}

/** A small file that is written in place, and durable only where that is asked for. */
export interface NoteFile {
  /** What it held when it was opened. */
  readonly content: Uint8Array;
  write(at: number, bytes: Uint8Array): void;
  /** What was written is durable when it resolves. */
  sync(): Promise<void>;
  close(): void;
}

export interface DirLock {
  release(): void;
}

export interface Disk {
  makeDirectory(path: string): Promise<void>;
  /** Takes a directory for this process alone. Throws `StorageLockedError`. */
  lock(directory: string): Promise<DirLock>;
  /** The names in a directory. */
  names(directory: string): Promise<string[]>;
  /** The content of a file, or undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** See `replaceFile`. */
  replace(directory: string, name: string, content: Uint8Array): Promise<void>;
  /** Removes a file. One that is not there is fine. */
  remove(path: string): Promise<void>;
  /** Opens or creates a KV file. */
  openKv(path: string): Promise<KvStore>;
  /** Makes a KV file, to be filled before it is opened. There must be none. */
  fillKv(path: string): Promise<RowFill>;
  /** Opens a state file that is open as a KV file. */
  openRows(path: string): RowReader;
  /** Bytes on disk of a KV file with its WAL; 0 where there is none. */
  kvBytes(path: string): Promise<number>;
  /** Removes a KV file with what is kept beside it. */
  removeKv(path: string): Promise<void>;
  /** Gives a closed KV file another name in its directory, durably. */
  renameKv(directory: string, name: string, to: string): Promise<void>;
  /** Opens or creates a note, of so many bytes at most. */
  openNote(path: string, bytes: number): Promise<NoteFile>;
}
