/**
 * Storage for who may write only as long as something holds: a leadership that was lost and won again
 * is another one, and what was read in the first is not to be the reason for a write in the second.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import {
  type Entry,
  type ListOptions,
  NotLeaderError,
  type ScanOptions,
  type Storage,
  type Write,
} from "./storage.ts";

export class FencedStorage implements Storage {
  constructor(readonly storage: Storage, readonly holds: () => boolean) {}

  get(key: string): Awaitable<Bytes | undefined> {
    return this.storage.get(key);
  }

  list(prefix: string, options?: ListOptions): Awaitable<string[]> {
    return this.storage.list(prefix, options);
  }

  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]> {
    return this.storage.scan(prefix, options);
  }

  /** Rejects with `NotLeaderError` once it does not hold. */
  write(batch: readonly Write[]): Promise<void> {
    if (this.holds()) return this.storage.write(batch);
    return Promise.reject(new NotLeaderError("another leadership has begun since"));
  }

  /** The storage below stays open: it is not this one's. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
