/** Storage that another node writes: this one only looks. */
import { ReadThrough } from "./read_through.ts";
import { StorageError, type Write } from "./storage.ts";

/** A write was asked for where nothing may be written; nothing was changed. */
export class ReadOnlyError extends StorageError {
  override name = "ReadOnlyError";
}

export class ReadOnlyStorage extends ReadThrough {
  write(_batch: readonly Write[]): Promise<void> {
    return Promise.reject(new ReadOnlyError("another node writes this storage"));
  }
}
