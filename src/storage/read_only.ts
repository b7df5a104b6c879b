/** Storage that another node writes: this one only looks. */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "./storage.ts";
import { StorageError } from "./storage.ts";

/** A write was asked for where nothing may be written; nothing was changed. */
export class ReadOnlyError extends StorageError {
  override name = "ReadOnlyError";
}

export class ReadOnlyStorage implements Storage {
  constructor(readonly storage: Storage) {}

  get(key: string): Awaitable<Bytes | undefined> {
    return this.storage.get(key);
  }

  list(prefix: string, options?: ListOptions): Awaitable<string[]> {
    return this.storage.list(prefix, options);
  }

  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]> {
    return this.storage.scan(prefix, options);
  }

  write(_batch: readonly Write[]): Promise<void> {
    return Promise.reject(new ReadOnlyError("another node writes this storage"));
  }

  /** The storage below stays open: it is not this one's. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
