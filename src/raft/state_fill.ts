/** Fills a state file with the content of a snapshot. */
import { FairTurns } from "../base/turn.ts";
import { checkBatch, type SizeLimits } from "./keys.ts";
import { Memtable } from "./memtable.ts";
import type { StoredEntry } from "./state.ts";
import type { StateFile } from "./state_file.ts";
import { flushChanges } from "./state_flush.ts";
import type { Settings } from "./store_options.ts";

/** Bytes that are gathered before they are written into a new state file. */
const BATCH_BYTES = 8 * 1024 * 1024;

/** Fills a new state file with entries, in any order; of two for one key the later counts. */
export async function fillState(
  file: StateFile,
  entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
  settings: SizeLimits & Pick<Settings, "clock" | "turn">,
): Promise<void> {
  const turns = new FairTurns(settings.clock, settings.turn);
  let batch = new Memtable();
  const write = async () => {
    await flushChanges(file, batch.sorted(), file.meta, turns);
    batch = new Memtable();
  };
  for await (const entry of entries) {
    checkBatch([entry], settings);
    batch.apply(entry);
    if (batch.bytes >= BATCH_BYTES) await write();
  }
  await write();
}
