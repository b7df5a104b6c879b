/** One KV file, with Deno KV's limits and its errors made ours. */
import { describeError } from "../base/failure.ts";
import { CorruptionError, StorageError, StorageFatalError, StorageFullError } from "./errors.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk, KvKey, KvRow, KvStore, Mutation, RowRange } from "./disk.ts";

export type { KvKey, KvRow, Mutation, RowRange } from "./disk.ts";

/** Deno KV takes 64 KiB a value. */
export const CHUNK_BYTES = 60_000;
/** Deno KV takes 1,000 mutations, 800 KiB with keys, and 80 KiB of keys a commit. */
const COMMIT_MUTATIONS_MAX = 900;
const COMMIT_BYTES_MAX = 700_000;
const COMMIT_KEY_BYTES_MAX = 72_000;

export class KvFile {
  readonly #kv: KvStore;
  /** Operations under way. */
  #busy = 0;
  #onIdle: (() => void) | undefined;

  private constructor(readonly path: string, kv: KvStore) {
    this.#kv = kv;
  }

  /** Opens or creates a file. Throws `CorruptionError` naming it where SQLite can't read it. */
  static async open(path: string, disk: Disk = denoDisk): Promise<KvFile> {
    try {
      return new KvFile(path, await disk.openKv(path));
    } catch (error) {
      throw readFailure(path, error);
    }
  }

  /** The row's bytes, or undefined. */
  async get(key: KvKey): Promise<Uint8Array | undefined> {
    this.#busy += 1;
    try {
      return await this.#kv.get(key);
    } catch (error) {
      throw readFailure(this.path, error);
    } finally {
      this.#done();
    }
  }

  /** The rows of a range, in order, at most `limit`; without a limit those of small ranges only. */
  async list(range: RowRange): Promise<KvRow[]> {
    this.#busy += 1;
    try {
      return await this.#kv.list(range);
    } catch (error) {
      throw readFailure(this.path, error);
    } finally {
      this.#done();
    }
  }

  /** Makes all changes in one durable commit. They must be within the limits of one. */
  async commit(mutations: readonly Mutation[]): Promise<void> {
    try {
      await this.#kv.commit(mutations);
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

function isFull(message: string): boolean {
  return /disk is full|no space left|quota exceeded|os error (28|122)\b/i.test(message);
}

/** What a failed write says, as an error of ours. */
export function commitFailure(path: string, error: unknown): StorageError {
  const message = describeError(error);
  if (isFull(message)) return new StorageFullError(`no space left for ${path}`, { cause: error });
  if (/malformed|not a database|corrupt|no such table/i.test(message)) {
    return new CorruptionError(`${path} is damaged: ${message}`, { cause: error });
  }
  return new StorageFatalError(`${path}: ${message}`, { cause: error });
}

/** What a failed read of a KV file says, as an error of ours. */
export function readFailure(path: string, error: unknown): Error {
  if (error instanceof StorageError) return error;
  const message = describeError(error);
  if (isFull(message)) return new StorageFullError(`no space left for ${path}`, { cause: error });
  if (/disk i\/o error|permission denied|unable to open|os error|closed/i.test(message)) {
    return new StorageError(`${path}: ${message}`, { cause: error });
  }
  return new CorruptionError(`${path} is damaged: ${message}`, { cause: error });
}
