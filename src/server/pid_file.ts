/** The file that holds the process id while the server runs. */
import { describeError } from "../base/failure.ts";
import { removeIfThere } from "../base/files.ts";

/** Writes it; "" for none. Throws what names the file. Returns what removes it. */
export async function writePidFile(path: string): Promise<() => Promise<void>> {
  if (path === "") return () => Promise.resolve();
  try {
    await Deno.writeTextFile(path, String(Deno.pid), { mode: 0o644 });
  } catch (cause) {
    throw new Error(`pid_file ${path} can't be written: ${describeError(cause)}`, { cause });
  }
  return () => removeIfThere(path);
}
