/** Small files that are replaced as a whole, durably, whatever dies when. */

/** Makes the names in a directory durable (fsync of the directory itself). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await Deno.open(path, { read: true });
  try {
    await directory.sync();
  } finally {
    directory.close();
  }
}

/** Writes beside, syncs, renames over, syncs the directory: old content or new, never a mixture. */
export async function replaceFile(
  directory: string,
  name: string,
  content: Uint8Array,
): Promise<void> {
  const temporary = `${directory}/${name}.new`;
  const file = await Deno.open(temporary, {
    write: true,
    create: true,
    truncate: true,
    mode: 0o600,
  });
  try {
    for (let at = 0; at < content.length;) at += await file.write(content.subarray(at));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(temporary, `${directory}/${name}`);
  await syncDirectory(directory);
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
