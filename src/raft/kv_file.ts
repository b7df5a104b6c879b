/**
 * One Deno KV file, with its limits and its errors made ours. Deno KV keeps SQLite in WAL mode at
 * synchronous=FULL: `strace` shows one fsync of the -wal file for each commit before its promise
 * resolves (Deno 2.9.6), so a commit here is durable when it returns.
 */
import { describeError } from "../base/failure.ts";
import { CorruptionError, StorageError, StorageFatalError, StorageFullError } from "./errors.ts";
import { probeSqlite } from "./sqlite_probe.ts";

/** Deno KV takes 64 KiB a value. */
export const CHUNK_BYTES = 60_000;
/** Deno KV takes 1,000 mutations, 800 KiB with keys, and 80 KiB of keys a commit. */
const COMMIT_MUTATIONS_MAX = 900;
const COMMIT_BYTES_MAX = 700_000;
const COMMIT_KEY_BYTES_MAX = 72_000;

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

export class KvFile {
  readonly #kv: Deno.Kv;
  /** Operations under way. */
  #busy = 0;
  #onIdle: (() => void) | undefined;

  private constructor(readonly path: string, kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** Opens or creates a file. Throws `CorruptionError` naming it where SQLite can't read it. */
  static async open(path: string): Promise<KvFile> {
    try {
      probeSqlite(path);
      return new KvFile(path, await Deno.openKv(path));
    } catch (error) {
      throw readFailure(path, error);
    }
  }

  /** The row's bytes, or undefined. */
  async get(key: KvKey): Promise<Uint8Array | undefined> {
    this.#busy += 1;
    try {
      const { value } = await this.#kv.get(key);
      return value === null ? undefined : this.#bytes(value);
    } catch (error) {
      throw readFailure(this.path, error);
    } finally {
      this.#done();
    }
  }

  /** The rows of a range, in order, at most `limit`; without a limit those of small ranges only. */
  async list(range: RowRange): Promise<KvRow[]> {
    const { start, end, limit, reverse = false } = range;
    const rows: KvRow[] = [];
    this.#busy += 1;
    try {
      const options = { reverse, batchSize: Math.min(limit ?? 500, 500) };
      const iterator = this.#kv.list({ start, end }, limit ? { ...options, limit } : options);
      for await (const row of iterator) rows.push({ key: row.key, value: this.#bytes(row.value) });
      return rows;
    } catch (error) {
      throw readFailure(this.path, error);
    } finally {
      this.#done();
    }
  }

  /** Makes all changes in one durable commit. They must be within the limits of one. */
  async commit(mutations: readonly Mutation[]): Promise<void> {
    const atomic = this.#kv.atomic();
    for (const { key, value } of mutations) {
      if (value === null) atomic.delete(key);
      else atomic.set(key, value);
    }
    try {
      await atomic.commit();
    } catch (error) {
      throw commitFailure(this.path, error);
    }
  }

  /** Makes the changes in as many commits as they need, in their order: the last one counts. */
  async commitInParts(mutations: readonly Mutation[]): Promise<void> {
    for (const part of cut(mutations)) await this.commit(part);
  }

  /** Writes the WAL back into the file and removes it. */
  close(): void {
    this.#kv.close();
  }

  /** Closes it once the reads that are under way have ended. */
  async retire(): Promise<void> {
    while (this.#busy > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.close();
  }

  #done(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#onIdle?.();
  }

  #bytes(value: unknown): Uint8Array {
    if (value instanceof Uint8Array) return value;
    throw new CorruptionError(`${this.path}: a row is not a byte string`);
  }
}

/** What mutations weigh against the limits of a commit. */
export interface CommitWeight {
  readonly mutations: number;
  /** Of keys and values. */
  readonly bytes: number;
  readonly keyBytes: number;
}

export const NO_WEIGHT: CommitWeight = { mutations: 0, bytes: 0, keyBytes: 0 };

/** One mutation's weight, rather too much than too little. */
export function weightOf(key: KvKey, valueBytes: number): CommitWeight {
  let keyBytes = 8;
  for (const part of key) keyBytes += typeof part === "string" ? encodedBytes(part) + 2 : 9;
  return { mutations: 1, bytes: 32 + keyBytes + valueBytes, keyBytes };
}

export function addWeights(a: CommitWeight, b: CommitWeight): CommitWeight {
  return {
    mutations: a.mutations + b.mutations,
    bytes: a.bytes + b.bytes,
    keyBytes: a.keyBytes + b.keyBytes,
  };
}

/** Whether so much fits one commit. */
export function fitsCommit({ mutations, bytes, keyBytes }: CommitWeight): boolean {
  return mutations <= COMMIT_MUTATIONS_MAX && bytes <= COMMIT_BYTES_MAX &&
    keyBytes <= COMMIT_KEY_BYTES_MAX;
}

// deno-lint-ignore no-control-regex -- a zero byte is escaped, and so takes two
const plain = /^[\x01-\x7f]*$/;

function encodedBytes(text: string): number {
  return plain.test(text) ? text.length : text.length * 3;
}

function* cut(mutations: readonly Mutation[]): Generator<Mutation[]> {
  let part: Mutation[] = [];
  let weight = NO_WEIGHT;
  for (const mutation of mutations) {
    const more = weightOf(mutation.key, mutation.value?.length ?? 0);
    if (part.length > 0 && !fitsCommit(addWeights(weight, more))) {
      yield part;
      part = [];
      weight = NO_WEIGHT;
    }
    part.push(mutation);
    weight = addWeights(weight, more);
  }
  if (part.length > 0) yield part;
}

/** Removes a KV file with what SQLite keeps beside it. */
export async function removeKvFile(path: string): Promise<void> {
  for (const name of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) {
    try {
      await Deno.remove(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Bytes on disk of a KV file with its WAL; 0 where there is none. */
export async function kvFileBytes(path: string): Promise<number> {
  let bytes = 0;
  for (const name of [path, `${path}-wal`]) {
    try {
      bytes += (await Deno.stat(name)).size;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

function isFull(message: string): boolean {
  return /disk is full|no space left|quota exceeded|os error (28|122)\b/i.test(message);
}

function commitFailure(path: string, error: unknown): StorageError {
  const message = describeError(error);
  if (isFull(message)) return new StorageFullError(`no space left for ${path}`, { cause: error });
  if (/malformed|not a database|corrupt|no such table/i.test(message)) {
    return new CorruptionError(`${path} is damaged: ${message}`, { cause: error });
  }
  return new StorageFatalError(`${path}: ${message}`, { cause: error });
}

function readFailure(path: string, error: unknown): Error {
  if (error instanceof StorageError) return error;
  const message = describeError(error);
  if (isFull(message)) return new StorageFullError(`no space left for ${path}`, { cause: error });
  if (/disk i\/o error|permission denied|unable to open|os error|closed/i.test(message)) {
    return new StorageError(`${path}: ${message}`, { cause: error });
  }
  return new CorruptionError(`${path} is damaged: ${message}`, { cause: error });
}
