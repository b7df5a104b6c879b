/** Checks of the storage: its directory, its lock, and whether all that is stored is intact. */
import { silentLogger } from "../../base/log.ts";
import { isThere } from "../../base/files.ts";
import type { ServerConfig } from "../../config/server_types.ts";
import type { Platform } from "../../core/backend.ts";
import { migrationProblem, onlyForMigration } from "../open_storage.ts";
import { openRaftStorage, type RaftStorage } from "../../storage/raft.ts";
import { StorageError } from "../../storage/storage.ts";
import { storedEntries, type UnsealKeys } from "./entries.ts";
import { type Check, type Examination, fail, type Finding, ok, skipped, warn } from "./check.ts";

export function checkStorage(
  all: Examination,
  stanza: ServerConfig["storage"],
  platform: Platform,
  unsealKeys: UnsealKeys | undefined,
): Promise<Check> {
  return all.group("Check Storage", async () => {
    if (stanza?.type === "inmem") {
      const look = () => warn('storage "inmem" forgets everything when the process ends');
      return [await all.one("Check Storage Type", look)];
    }
    if (stanza?.type !== "raft") {
      const type = stanza?.type ?? "";
      const message = type === "file" ? onlyForMigration : `"${type}" is not in this build`;
      return [await all.one("Check Storage Type", () => fail(message))];
    }
    const path = stanza.values.path ?? "";
    const checks = [await all.one("Check Data Directory", () => directory(path))];
    return [...checks, ...await contents(all, path, platform, unsealKeys)];
  });
}

async function directory(path: string): Promise<Finding> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return ok(`${path} is not there yet; the first start makes it`);
  }
  if (!info.isDirectory) return fail(`${path} is no directory`);
  const probe = `${path}/.diagnose-${Deno.pid}`;
  try {
    await Deno.writeTextFile(probe, "");
    await Deno.remove(probe);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      return fail(`${path} can't be written`, "give it to the user that the node runs as");
    }
    throw error;
  }
  const mode = (info.mode ?? 0o700) & 0o777;
  if ((mode & 0o077) === 0) return ok(`${path} is writable, and private`);
  return warn(
    `${path} is open to other users (mode ${mode.toString(8)})`,
    `what is in it is encrypted all the same: chmod 700 ${path}`,
  );
}

async function contents(
  all: Examination,
  path: string,
  platform: Platform,
  unsealKeys: UnsealKeys | undefined,
): Promise<Check[]> {
  let storage: RaftStorage | undefined;
  const files = await all.one("Check Files", async () => {
    if (!await isThere(`${path}/CURRENT`)) return skipped("nothing is stored yet");
    try {
      storage = await openRaftStorage({
        path,
        clock: platform.clock,
        random: platform.random,
        log: silentLogger,
        onFatal: () => {},
      });
      const problem = await migrationProblem(storage, path);
      return problem === undefined ? await intact(storage) : fail(problem);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (error.name === "StorageLockedError") return skipped(`${error.message}; it was not read`);
      return fail(error.message);
    }
  });
  const opened = storage;
  if (opened === undefined) return [files];
  try {
    const look = () => storedEntries(opened, platform, unsealKeys);
    return [files, await all.one("Check Entries", look)];
  } finally {
    await opened.close();
  }
}

async function intact(storage: RaftStorage): Promise<Finding> {
  const { entries, logEntries, damages } = await storage.scrub({ pauseMs: 0 });
  const [first] = damages;
  if (first === undefined) {
    return ok(`${entries} entries and ${logEntries} log entries are intact`);
  }
  return fail(`${damages.length} damages, the first: ${first.message}`, "restore a snapshot");
}
