/** One automated snapshot: written, read back, verified; then the oldest beyond `retain` go. */
import type { Entry } from "../../storage/storage.ts";
import { describeError } from "../../base/failure.ts";
import { type ReadSnapshot, readSnapshot } from "../read.ts";
import { SpoolFile } from "../spool.ts";
import { surplus } from "./file_name.ts";
import type { SnapshotSettings } from "./settings.ts";
import type { SnapshotTarget, SpooledSnapshot } from "./target.ts";
import { whileWanted } from "./while_wanted.ts";

/** What the node does for it. */
export interface SnapshotSource {
  readonly spoolFolder: string;
  /** Of everything as it is now. */
  save(signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Whether the sealed checksums open and are those of the file. Throws where they are not. */
  checkSums(snapshot: ReadSnapshot): void;
  /** Throws where the entry does not open. */
  decrypt(entry: Entry): void;
}

export interface Ran {
  /** Of the new file. */
  readonly bytes: number;
  /** Of all files of the prefix that are there now. */
  readonly totalBytes: number;
  readonly files: number;
  /** Milliseconds on `monotonic` that removing the oldest took. */
  readonly rotateMs: number;
  /** Why the oldest could not be removed; "" where they could. The new file is good all the same. */
  readonly rotateError: string;
}

/** Throws where there is no verified file of that name afterwards; older files are then untouched. */
export async function runSnapshot(
  settings: SnapshotSettings,
  target: SnapshotTarget,
  name: string,
  source: SnapshotSource,
  { signal, monotonic }: { readonly signal: AbortSignal; readonly monotonic: () => number },
): Promise<Ran> {
  const bytes = await store(target, name, source, signal);
  try {
    await verify(target, name, source, signal);
  } catch (error) {
    const reason = describeError(error);
    // A file that proved bad must not count as one of those that are kept.
    await target.remove(name, signal);
    throw new Error(`the snapshot was written but not verified: ${reason}`, { cause: error });
  }
  const began = monotonic();
  const rotated = await rotate(settings, target, signal);
  return { bytes, ...rotated, rotateMs: monotonic() - began };
}

/** Removes the oldest beyond `retain`. */
async function rotate(
  { file_prefix, retain }: SnapshotSettings,
  target: SnapshotTarget,
  signal: AbortSignal,
): Promise<Omit<Ran, "bytes" | "rotateMs">> {
  let rotateError = "";
  const files = new Map<string, number>();
  try {
    for (const { name, bytes } of await target.list(signal)) files.set(name, bytes);
    for (const name of surplus(file_prefix, [...files.keys()], retain)) {
      await target.remove(name, signal);
      files.delete(name);
    }
  } catch (error) {
    rotateError = `old snapshots could not be removed: ${describeError(error)}`;
  }
  const totalBytes = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { totalBytes, files: files.size, rotateError };
}

/** Spools first: targets want to know the length, and the storage must not wait for a network. */
async function store(
  target: SnapshotTarget,
  name: string,
  source: SnapshotSource,
  signal: AbortSignal,
): Promise<number> {
  const spool = await SpoolFile.create(source.spoolFolder);
  try {
    const stream = await source.save(signal);
    let bytes = 0;
    for await (const chunk of whileWanted(stream, signal)) {
      await spool.write(chunk);
      bytes += chunk.length;
    }
    await spool.finish();
    const spooled: SpooledSnapshot = { path: spool.path, bytes };
    await target.put(name, spooled, signal);
    return bytes;
  } finally {
    await spool.remove();
  }
}

/** Of what is in the target now, not of what was sent there. */
async function verify(
  target: SnapshotTarget,
  name: string,
  source: SnapshotSource,
  signal: AbortSignal,
): Promise<void> {
  const stored = whileWanted(await target.read(name, signal), signal);
  const snapshot = await readSnapshot(source.spoolFolder, ReadableStream.from(stored));
  try {
    source.checkSums(snapshot);
    for await (const entry of whileWanted(snapshot.entries(), signal)) source.decrypt(entry);
  } finally {
    await snapshot.dispose();
  }
}
