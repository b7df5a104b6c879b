/** What storage that stands before another has in common: it is read as that is. */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "./storage.ts";

export abstract class ReadThrough implements Storage {
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

  abstract write(batch: readonly Write[]): Promise<void>;

  /** The storage below stays open: it is not this one's. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
