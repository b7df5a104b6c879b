/** What a client is told when the storage refuses: its own doing, or the disk's. */
import { Failure } from "../base/failure.ts";
import { UnknownFormatError } from "../raft/formats.ts";
import { EntryTooLargeError, InvalidKeyError, StorageFullError } from "../storage/storage.ts";

/** The failure that a storage error stands for; any other error as it is. Nothing was changed. */
export function storageFailure(error: unknown): unknown {
  if (error instanceof EntryTooLargeError) return new Failure(413, error.message, { cause: error });
  if (error instanceof InvalidKeyError) return new Failure(400, error.message, { cause: error });
  // It says which version is needed, which is what the operator has to know.
  if (error instanceof UnknownFormatError) return new Failure(503, error.message, { cause: error });
  if (error instanceof StorageFullError) {
    return new Failure(507, "the node's disk is full; reads go on", { cause: error });
  }
  return error;
}
