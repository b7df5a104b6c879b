/** One process a data directory: an advisory lock on a file, which the kernel drops with us. */
import { utf8 } from "../base/bytes.ts";
import type { DirLock } from "./disk.ts";
import { StorageLockedError } from "./errors.ts";

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
  file.truncateSync(0);
  file.writeSync(utf8(`${Deno.pid}\n`));
  return {
    release() {
      file.unlockSync();
      file.close();
    },
  };
}
