/** Where automated snapshots go. */

export interface StoredSnapshot {
  readonly name: string;
  readonly bytes: number;
}

/** A snapshot as it lies in the spool. */
export interface SpooledSnapshot {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Errors tell what to look at and never hold a secret. A file that `put` did not finish does not
 * show in `list`. All of it ends early once `signal` is aborted.
 */
export interface SnapshotTarget {
  /** Where a file is to be found, for people. */
  url(name: string): string;
  /** Files of the settings' prefix only. */
  list(signal: AbortSignal): Promise<StoredSnapshot[]>;
  put(name: string, file: SpooledSnapshot, signal: AbortSignal): Promise<void>;
  /** The content of a file, from where it is kept. */
  read(name: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** One that is not there is no error. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}
