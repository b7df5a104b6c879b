/** Replaces the whole state by other entries, in one step that either happens or does not. */
import { CHAIN_START } from "./log_record.ts";
import { generations, stateFileName, writeCurrent } from "./current_file.ts";
import type { Driver } from "./driver.ts";
import { StorageFatalError } from "./errors.ts";
import { removeKvFile } from "./kv_file.ts";
import type { LogDisk } from "./log_disk.ts";
import type { Maintenance } from "./maintenance.ts";
import type { State, StoredEntry } from "./state.ts";
import { StateFile } from "./state_file.ts";
import { fillState } from "./state_snapshot.ts";
import type { Settings } from "./store_options.ts";

export interface RestoreParts {
  readonly settings: Settings;
  readonly state: State;
  readonly log: LogDisk;
  readonly driver: Driver;
  readonly maintenance: Maintenance;
}

/**
 * Builds a new state file beside the one in use, then, while nothing is committed, makes it the
 * state as of the last log entry. The renaming of CURRENT decides: what is in the log up to there
 * is never replayed over the new state.
 */
export async function restoreState(
  parts: RestoreParts,
  entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
): Promise<void> {
  const { settings, state, log, driver, maintenance } = parts;
  await maintenance.exclusively(async () => {
    const generation = Math.max(...await generations(settings.path)) + 1;
    const path = `${settings.path}/${stateFileName(generation)}`;
    const { configuration } = state.file.meta;
    const empty = { hash: new Uint8Array(32), entries: 0, bytes: 0, nextValueId: 1 };
    const fresh = await StateFile.create({ ...state.file.options, path }, {
      ...empty,
      applied: CHAIN_START,
      configuration,
    });
    try {
      await fillState(fresh, entries, settings);
      const old = await driver.whileStill(async () => {
        await fresh.commit([], [], {
          ...fresh.meta,
          applied: log.last,
          configuration: maintenance.configuration(),
        });
        await writeCurrent(settings.path, generation);
        return state.replaceAll(fresh);
      });
      await old.retire();
    } catch (error) {
      // Where CURRENT may name either file, neither is removed and a restart decides.
      if (error instanceof StorageFatalError) driver.fail(error);
      else if (state.file !== fresh) {
        fresh.close();
        await removeKvFile(path);
      }
      throw error;
    }
  });
}
