/** Reads a snapshot file. Everything is checked before anything of it is used. */
import { createHash } from "node:crypto";
import type { Bytes } from "../base/bytes.ts";
import { isBelowBarrier } from "../barrier/physical.ts";
import { decodeEntries, MalformedStateError, type PlacedEntry } from "./entry_codec.ts";
import { type Checked, checkSums, type Members, refusal, unpack } from "./members.ts";
import { SpoolFile } from "./spool.ts";

/** What is known of a snapshot whose checksums are proved and every entry of which is whole. */
export interface CheckedSnapshot extends Checked {
  readonly entryCount: number;
  /** Bytes of the file as it came. */
  readonly fileBytes: number;
  /** What lies below the barrier: the keyring, and how it is sealed. */
  readonly belowBarrier: ReadonlyMap<string, Bytes>;
}

/** A snapshot that has been checked. Must be disposed of. */
export interface ReadSnapshot extends CheckedSnapshot {
  /** A value is good until the next entry is asked for: see `decodeEntries`. */
  entries(): AsyncIterable<PlacedEntry>;
  /** The file that the entries are read from; it goes when this is disposed of. */
  readonly statePath: string;
  dispose(): Promise<void>;
}

/**
 * Spools a file into `folder` and checks it: complete, as it was written, every entry whole. Throws
 * a 400 that says what is wrong.
 */
export async function readSnapshot(
  folder: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<ReadSnapshot> {
  const spool = await SpoolFile.create(folder);
  try {
    const members = await unpack(stream, async (state) => {
      for await (const chunk of state) await spool.append(chunk);
    });
    await spool.end();
    const { belowBarrier, entryCount, stateSum } = await survey(members, spool);
    return {
      ...checkSums(members, stateSum),
      entryCount,
      fileBytes: members.fileBytes,
      belowBarrier,
      entries: () => spooled(spool.path),
      statePath: spool.path,
      dispose: () => spool.remove(),
    };
  } catch (error) {
    await spool.remove();
    throw refusal(error);
  }
}

/** Reads the spooled state once: what is proved is what the disk gives back, not what it was given. */
async function survey(members: Members, spool: SpoolFile) {
  const hash = createHash("sha256");
  const belowBarrier = new Map<string, Bytes>();
  let entryCount = 0;
  try {
    for await (const { key, value } of spooled(spool.path, (bytes) => hash.update(bytes))) {
      entryCount++;
      if (isBelowBarrier(key)) belowBarrier.set(key, value.slice());
    }
  } catch (error) {
    // Where the state is not what was written, that is what is wrong.
    if (error instanceof MalformedStateError) checkSums(members, await sumOf(spool));
    throw error;
  }
  return { belowBarrier, entryCount, stateSum: hash.digest("hex") };
}

async function* spooled(
  path: string,
  look: (bytes: Uint8Array) => void = () => {},
): AsyncGenerator<PlacedEntry> {
  using file = await Deno.open(path);
  yield* decodeEntries(async (buffer) => {
    const count = await file.read(buffer);
    if (count !== null) look(buffer.subarray(0, count));
    return count;
  });
}

async function sumOf(spool: SpoolFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of spool.chunks()) hash.update(chunk);
  return hash.digest("hex");
}
