/** The whole state as of one moment, and back. */
import { StorageError } from "./errors.ts";
import { checkBatch, type SizeLimits } from "./keys.ts";
import type { Leaf } from "./leaf.ts";
import type { Hold } from "./maintenance.ts";
import { Memtable } from "./memtable.ts";
import type { StoredEntry } from "./state.ts";
import type { StateFile } from "./state_file.ts";
import { flushChanges } from "./state_flush.ts";

/** Bytes that are gathered before they are written into a new state file. */
const BATCH_BYTES = 8 * 1024 * 1024;

/** All entries of a held file in the order of their keys. Throws where the hold was revoked. */
export async function* heldEntries(hold: Hold): AsyncGenerator<StoredEntry> {
  try {
    let low: string | undefined = "";
    while (low !== undefined) {
      const leaf: Leaf = await hold.file.leafOnDisk(low);
      for (let i = 0; i < leaf.keys.length; i++) {
        const value = await hold.file.value(leaf, i);
        if (hold.isRevoked) throw new StorageError("the snapshot took too long and was given up");
        yield { key: leaf.keys[i] ?? "", value };
      }
      low = leaf.high;
    }
    if (hold.isRevoked) throw new StorageError("the snapshot took too long and was given up");
  } finally {
    hold.release();
  }
}

/** Fills a new state file with entries, in any order; of two for one key the later counts. */
export async function fillState(
  file: StateFile,
  entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
  limits: SizeLimits,
): Promise<void> {
  let batch = new Memtable();
  const write = async () => {
    await flushChanges(file, batch.sorted(), file.meta);
    batch = new Memtable();
  };
  for await (const entry of entries) {
    checkBatch([entry], limits);
    batch.apply(entry);
    if (batch.bytes >= BATCH_BYTES) await write();
  }
  await write();
}
