/**
 * A new state file with what the old one holds and nothing of what it once held. Nothing refers to it
 * until it is whole, so it is read and filled as a state is that is sent.
 */
import { sameBytes } from "../base/bytes.ts";
import { CorruptionError } from "./errors.ts";
import { NO_LIMITS } from "./keys.ts";
import { readFailure } from "./kv_file.ts";
import { PinnedState } from "./pinned_state.ts";
import { StateBuild } from "./state_build.ts";
import type { StateFile } from "./state_file.ts";
import type { Settings } from "./store_options.ts";

/** Copies every entry, proving each on the way; the new file is whole and durable at the end. */
export async function rewriteState(
  from: StateFile,
  path: string,
  settings: Settings,
): Promise<StateFile> {
  let pinned: PinnedState | undefined;
  let to: StateFile | undefined;
  try {
    pinned = new PinnedState(from, settings);
    const { meta } = pinned;
    const build = await StateBuild.begin({ ...from.options, path }, meta.configuration);
    to = await build.fill(pinned.entries(), { ...settings, ...NO_LIMITS });
    if (!sameBytes(to.meta.hash, meta.hash)) {
      throw new CorruptionError(`${from.path}: the hash over all entries does not fit them`);
    }
    await to.commit([], [], { ...meta, nextValueId: to.meta.nextValueId });
    return to;
  } catch (error) {
    to?.close();
    // What was written has its name already; the rest is what SQLite says where it can't read.
    throw readFailure(from.path, error);
  } finally {
    pinned?.close();
  }
}
