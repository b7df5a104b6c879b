/** Small files that are replaced as a whole, durably, whatever dies when. */

import { describeError } from "../base/failure.ts";
import { StorageFatalError, StorageFullError } from "./errors.ts";

/** Makes the names in a directory durable (fsync of the directory itself). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await Deno.open(path, { read: true });
  try {
    await directory.sync();
  } finally {
    directory.close();
  }
}

/**
 * Writes beside, syncs, renames over, syncs the directory: old content or new, never a mixture.
 * Throws `StorageFullError` where the old content stays for want of space, `StorageFatalError`
 * where it can't be told which of the two is there. `beside` is on the same file system.
 */
export async function replaceFile(
  directory: string,
  name: string,
  content: Uint8Array,
  beside = `${directory}/${name}.new`,
): Promise<void> {
  const path = `${directory}/${name}`;
  try {
    await writeSynced(beside, content);
  } catch (error) {
    const message = describeError(error);
    const isFull = /os error (28|122)\b/.test(message);
    if (isFull) throw new StorageFullError(`no space left for ${path}`, { cause: error });
    throw new StorageFatalError(`${path}: ${message}`, { cause: error });
  }
  try {
    await Deno.rename(beside, path);
    await syncDirectory(directory);
  } catch (error) {
    const message = describeError(error);
    throw new StorageFatalError(`${path}: ${message}`, { cause: error });
  }
}

async function writeSynced(path: string, content: Uint8Array): Promise<void> {
  const options = { write: true, create: true, truncate: true, mode: 0o600 };
  const file = await Deno.open(path, options);
  try {
    for (let at = 0; at < content.length;) at += await file.write(content.subarray(at));
    await file.sync();
  } finally {
    file.close();
  }
}

/** The content of a file, or undefined where there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
