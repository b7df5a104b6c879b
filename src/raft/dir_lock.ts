/** One process a data directory: an advisory lock on a file, which the kernel drops with us. */
import { utf8 } from "../base/bytes.ts";
import type { DirLock } from "./disk.ts";
import { StorageLockedError } from "./errors.ts";

/** Longer than any process id, so that each one covers what was there before. */
const LINE_BYTES = 24;

/** Takes the lock or throws `StorageLockedError` with the directory and the other's process id. */
export async function lockDirectory(directory: string): Promise<DirLock> {
  const path = `${directory}/LOCK`;
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  if (!file.tryLockSync(true)) {
    file.close();
    const holder = (await Deno.readTextFile(path)).trim() || "unknown";
    throw new StorageLockedError(
      `the data directory ${directory} is in use by another process (pid ${holder})`,
    );
  }
  // Written over, not cut first: cutting waits for the file system's journal, up to 27 ms of a start.
  file.writeSync(utf8(`${String(Deno.pid).padEnd(LINE_BYTES - 1)}\n`));
  return {
    release() {
      file.unlockSync();
      file.close();
    },
  };
}
