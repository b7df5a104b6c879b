/** Errors of the storage as answers. */
import { assert, assertEquals } from "@std/assert";
import { Failure } from "../base/failure.ts";
import {
  EntryTooLargeError,
  InvalidKeyError,
  StorageError,
  StorageFullError,
} from "../storage/storage.ts";
import { unknownFormat } from "../raft/formats.ts";
import { storageFailure } from "./storage_failure.ts";

Deno.test("what can't be stored is the client's failure, a full disk the node's, the rest a bug", () => {
  const status = (error: Error) => {
    const failure = storageFailure(error);
    return failure instanceof Failure ? failure.status : undefined;
  };
  assertEquals(status(new EntryTooLargeError("2 MiB are over the limit")), 413);
  assertEquals(status(new InvalidKeyError("the key is over the limit")), 400);
  assertEquals(status(new StorageFullError("no space left on device")), 507);
  assertEquals(status(unknownFormat("the keyring", 2, 1)), 503);
  const other = new StorageError("closed");
  assert(storageFailure(other) === other);
});
