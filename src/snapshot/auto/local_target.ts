/** Snapshots in a directory of the active node's machine. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { badRequest } from "../../base/failure.ts";
import { removeIfThere } from "../../base/files.ts";
import { beganAt } from "./file_name.ts";
import type { LocalSettings } from "./settings.ts";
import type { SnapshotTarget, SpooledSnapshot, StoredSnapshot } from "./target.ts";
import { whileWanted } from "./while_wanted.ts";

/** What a file is called while it is written. */
const unfinished = ".part";

export class LocalTarget implements SnapshotTarget {
  constructor(readonly settings: LocalSettings) {}

  url(name: string): string {
    return pathToFileURL(this.#path(name)).href;
  }

  #path(name: string): string {
    return join(this.settings.path_prefix, name);
  }

  async list(): Promise<StoredSnapshot[]> {
    const found: StoredSnapshot[] = [];
    for (const name of await this.#names()) {
      if (beganAt(this.settings.file_prefix, name) === undefined) continue;
      found.push({ name, bytes: (await Deno.stat(this.#path(name))).size });
    }
    return found;
  }

  async #names(): Promise<string[]> {
    try {
      const entries = await Array.fromAsync(Deno.readDir(this.settings.path_prefix));
      return entries.filter(({ isFile }) => isFile).map(({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Writes beside, syncs, renames: a file of that name is whole. */
  async put(name: string, spooled: SpooledSnapshot, signal: AbortSignal): Promise<void> {
    const { path_prefix: folder } = this.settings;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await this.#sweep();
    await this.#checkSpace(spooled.bytes);
    const beside = this.#path(name) + unfinished;
    try {
      await copySynced(spooled.path, beside, signal);
      await Deno.rename(beside, this.#path(name));
    } catch (error) {
      await removeIfThere(beside);
      throw error;
    }
    using directory = await Deno.open(folder, { read: true });
    await directory.sync();
  }

  async #checkSpace(bytes: number): Promise<void> {
    const { local_max_space: most, file_prefix, path_prefix } = this.settings;
    const used = (await this.list()).reduce((sum, file) => sum + file.bytes, 0);
    if (used + bytes <= most) return;
    throw badRequest(
      `a snapshot of ${bytes} bytes does not fit: local_max_space is ${most}, and the files ` +
        `${join(path_prefix, file_prefix)}-*.snap take ${used}`,
    );
  }

  /** What a node that died has left half written. */
  async #sweep(): Promise<void> {
    for (const name of await this.#names()) {
      if (!name.endsWith(unfinished)) continue;
      const whole = name.slice(0, -unfinished.length);
      if (beganAt(this.settings.file_prefix, whole) === undefined) continue;
      await removeIfThere(this.#path(name));
    }
  }

  async read(name: string): Promise<ReadableStream<Uint8Array>> {
    return (await Deno.open(this.#path(name), { read: true })).readable;
  }

  async remove(name: string): Promise<void> {
    await removeIfThere(this.#path(name));
  }
}

async function copySynced(from: string, to: string, signal: AbortSignal): Promise<void> {
  const source = await Deno.open(from, { read: true });
  using file = await Deno.open(to, { write: true, create: true, truncate: true, mode: 0o600 });
  for await (const chunk of whileWanted(source.readable, signal)) {
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
  }
  await file.sync();
}
