/** Takes in a whole state that a leader sends, in one step that either happens or does not. */
import { fromUtf8, sameBytes, utf8 } from "../base/bytes.ts";
import { decodeConfiguration } from "./consensus/configuration.ts";
import { generations, stateFileName, writeCurrent } from "./current_file.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError, StorageFatalError } from "./errors.ts";
import { NO_LIMITS } from "./keys.ts";
import type { LogDisk } from "./log_disk.ts";
import type { ReplacementParts } from "./replacement.ts";
import type { StoredEntry } from "./state.ts";
import { StateBuild } from "./state_build.ts";
import type { StateFile } from "./state_file.ts";
import type { StateHead } from "./transport.ts";

export interface InstallParts extends ReplacementParts {
  readonly setConfiguration: (text: string) => void;
}

/** There from before CURRENT names the new state until the log starts after it. */
const MARK = "installing";

/**
 * Builds a state file beside the one in use, proves by the set hash that it holds what was sent,
 * and, while nothing else happens, makes it the state and begins the log anew after it. Returns
 * whether it did: in the meantime the log may have got there by itself.
 */
export async function installState(
  parts: InstallParts,
  head: StateHead,
  entries: AsyncIterable<StoredEntry>,
): Promise<boolean> {
  const { settings, state, driver, maintenance } = parts;
  return await maintenance.exclusively(async () => {
    const generation = Math.max(...await generations(settings.path, settings.disk)) + 1;
    const path = `${settings.path}/${stateFileName(generation)}`;
    await settings.disk.removeKv(path);
    let fresh: StateFile | undefined;
    try {
      const build = await StateBuild.begin({ ...state.file.options, path }, head.configuration);
      // The group has taken them: a node whose own limits are lower could else never follow.
      fresh = await build.fill(entries, { ...settings, ...NO_LIMITS });
      if (!sameBytes(fresh.meta.hash, head.hash)) {
        throw new CorruptionError("the state that came is not the one that was sent");
      }
      await fresh.commit([], [], { ...fresh.meta, applied: head.at });
      const made = fresh;
      const old = await driver.whileStill(() => exchange(parts, head, made, generation));
      await old?.retire();
      if (old !== undefined) return true;
      fresh.close();
      await settings.disk.removeKv(path);
      return false;
    } catch (error) {
      if (error instanceof StorageFatalError) driver.fail(error);
      else if (state.file !== fresh) {
        fresh?.close();
        await settings.disk.removeKv(path);
      }
      throw error;
    }
  });
}

async function exchange(
  { raft, log, state, driver, settings, setConfiguration }: InstallParts,
  { at, configuration }: StateHead,
  fresh: StateFile,
  generation: number,
): Promise<StateFile | undefined> {
  if (!raft.wantsSnapshot(at)) return undefined;
  const mark = utf8(`${at.index} ${stateFileName(generation)}\n`);
  await settings.disk.replace(`${settings.path}/raft`, MARK, mark);
  await writeCurrent(settings.path, generation, settings.disk);
  try {
    await log.restart(at);
    await settings.disk.remove(`${settings.path}/raft/${MARK}`);
  } catch (error) {
    throw new StorageFatalError("the log could not be begun anew", { cause: error });
  }
  const old = state.replaceAll(fresh);
  setConfiguration(configuration);
  raft.snapshotInstalled(at, decodeConfiguration(utf8(configuration)));
  driver.skipTo(at.index);
  return old;
}

/**
 * Ends what a crash interrupted; called before anything is made of the log. Throws `CorruptionError`
 * where the state that was to be begun from is in use and does not hold what it held then: the mark
 * stays, since with the state as it was the log would still have to begin after it.
 */
export async function finishInstall(path: string, log: LogDisk, file: StateFile): Promise<void> {
  const { disk } = file;
  const mark = `${path}/raft/${MARK}`;
  const content = await disk.read(mark);
  if (content === undefined) return;
  const { applied } = file.meta;
  // Earlier versions named no file.
  const [index, name] = fromUtf8(content).trim().split(" ");
  if (Number(index) === applied.index) await log.restart(applied);
  else if (name !== undefined && file.path.endsWith(`/${name}`)) {
    throw new CorruptionError(
      `${file.path} holds the state up to log entry ${applied.index} and held it up to ${index}`,
    );
  }
  await forgetInstall(path, disk);
}

/** The log is empty: no state is there for it to begin after. */
export async function forgetInstall(path: string, disk: Disk): Promise<void> {
  await disk.remove(`${path}/raft/${MARK}`);
}
