/** What can go wrong with stored bytes. Re-exported by `storage/storage.ts`, where rooms above look. */

/** The storage can't do what was asked; nothing was changed. */
export class StorageError extends Error {
  override name = "StorageError";
}

/** A value or a batch is over its limit; nothing was changed. */
export class EntryTooLargeError extends StorageError {
  override name = "EntryTooLargeError";
}

/** A key that can't be stored: empty, too long, ending in "/", or not well-formed text. */
export class InvalidKeyError extends StorageError {
  override name = "InvalidKeyError";
}

/** No space left; reads go on, writes work again once there is space. */
export class StorageFullError extends StorageError {
  override name = "StorageFullError";
}

/** Bytes on disk are not what was written. The message names the key or the file. */
export class CorruptionError extends StorageError {
  override name = "CorruptionError";
}

/** Another process works on the data directory. */
export class StorageLockedError extends StorageError {
  override name = "StorageLockedError";
}

/** The disk failed in a way after which nothing can be trusted until a restart. */
export class StorageFatalError extends StorageError {
  override name = "StorageFatalError";
}

/** The write may or may not have happened. */
export class OutcomeUnknownError extends StorageError {
  override name = "OutcomeUnknownError";
}

/** This node does not lead its group; nothing was changed. */
export class NotLeaderError extends StorageError {
  override name = "NotLeaderError";
}

/** Everything is being replaced by other content; nothing was changed. */
export class ReplacementUnderWayError extends StorageError {
  override name = "ReplacementUnderWayError";
}

/** Too few nodes could be reached for what would need a majority; nothing was changed. */
export class TooFewNodesError extends StorageError {
  override name = "TooFewNodesError";
}
