/**
 * Storage for who may write only as long as something holds: a leadership that was lost and won again
 * is another one, and what was read in the first is not to be the reason for a write in the second.
 */
import { ReadThrough } from "./read_through.ts";
import { NotLeaderError, type Storage, type Write } from "./storage.ts";

export class FencedStorage extends ReadThrough {
  constructor(storage: Storage, readonly holds: () => boolean) {
    super(storage);
  }

  /** Rejects with `NotLeaderError` once it does not hold. */
  write(batch: readonly Write[]): Promise<void> {
    if (this.holds()) return this.storage.write(batch);
    return Promise.reject(new NotLeaderError("another leadership has begun since"));
  }
}
