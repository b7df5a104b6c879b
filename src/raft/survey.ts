/** What a data directory says of itself while no process runs on it: for recovery. */
import { silentLogger } from "../base/log.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { AckMarker } from "./ack_marker.ts";
import { decodeConfiguration, type Member } from "./consensus/configuration.ts";
import { isUpToDate } from "./consensus/core.ts";
import { readCurrent, stateFileName } from "./current_file.ts";
import { nodeSha256 } from "./digest.ts";
import { checkDirectoryFormat } from "./directory_format.ts";
import { lockDirectory } from "./dir_lock.ts";
import { readIfThere } from "./durable_file.ts";
import { CorruptionError, StorageError } from "./errors.ts";
import { LogDisk } from "./log_disk.ts";
import { EntryType } from "./log_entry.ts";
import { NodeFile } from "./node_file.ts";
import { finishInstall } from "./state_install.ts";
import { StateFile } from "./state_file.ts";
import { readFloor } from "./state_repair.ts";

export interface Survey {
  readonly directory: string;
  readonly nodeId: string;
  /** The latest term it knows, and whom it voted for in it; "" for nobody. */
  readonly term: number;
  readonly vote: string;
  /** The log's last entry. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Up to here the state file holds everything. */
  readonly appliedIndex: number;
  /** Up to here it knew the log to be committed; it may lag behind. */
  readonly committedIndex: number;
  /** The membership by the last word of its log. */
  readonly members: readonly Member[];
}

/** A directory whose files don't tell; `damage` names the file. */
export interface Damaged {
  readonly directory: string;
  /** "" where not even that can be read. */
  readonly nodeId: string;
  readonly damage: string;
}

export function isDamaged(found: Survey | Damaged): found is Damaged {
  return "damage" in found;
}

/**
 * Reads a directory, its whole log included, each entry against its checksum. What an interrupted
 * process left half done is finished as a start would. Throws `StorageLockedError` where a process
 * runs on it, `StorageError` where it is no data directory or belongs to another user.
 */
export async function survey(directory: string, clock: Clock): Promise<Survey | Damaged> {
  const id = await readIfThere(`${directory}/node-id`);
  if (id === undefined) throw new StorageError(`${directory} is no data directory of a node`);
  await checkOwner(directory);
  const lock = await lockDirectory(directory);
  try {
    return await look(directory, clock);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    return { directory, nodeId: fromUtf8(id).trim(), damage: error.message };
  } finally {
    lock.release();
  }
}

/** Files that root leaves here could not be opened by the user that the node runs as. */
async function checkOwner(directory: string): Promise<void> {
  const probe = await Deno.makeTempFile({ dir: directory, prefix: "owner-" });
  const { uid } = await Deno.stat(probe);
  await Deno.remove(probe);
  if (uid === (await Deno.stat(directory)).uid) return;
  throw new StorageError(`${directory} belongs to another user: run this as that user`);
}

async function look(directory: string, clock: Clock): Promise<Survey> {
  await checkDirectoryFormat(directory);
  const generation = await readCurrent(directory);
  if (generation === undefined) throw new CorruptionError(`${directory}/CURRENT is missing`);
  using stack = new DisposableStack();
  const keep = <T extends { close(): void }>(it: T): T => stack.adopt(it, () => it.close());
  const nodeFile = keep(await NodeFile.open(`${directory}/raft/node.kv`));
  if (nodeFile.nodeId === undefined) {
    throw new CorruptionError(`${directory}/raft/node.kv is empty`);
  }
  const path = `${directory}/${stateFileName(generation)}`;
  const file = keep(await StateFile.open({ path, sha256: nodeSha256, leafCacheBytes: 0 }));
  const { applied, configuration } = file.meta;
  const options = { directory: `${directory}/raft`, clock, log: silentLogger, segmentBytes: 1e9 };
  const log = keep(await LogDisk.open(options, applied));
  await finishInstall(directory, log, file);
  if (log.firstIndex > applied.index + 1 || log.last.index < applied.index) {
    throw new CorruptionError(
      `${directory}/raft: the log holds entries ${log.firstIndex} to ${log.last.index}, ` +
        `${path} the state up to ${applied.index}`,
    );
  }
  const floor = await readFloor(directory);
  if (floor !== undefined && !isUpToDate(log.last, floor)) {
    throw new CorruptionError(
      `${directory} lacks log entries up to ${floor.index}, which a repair has given up`,
    );
  }
  const committed = keep(await AckMarker.open(`${directory}/raft/committed`));
  return {
    directory,
    nodeId: nodeFile.nodeId,
    ...nodeFile.hardState,
    lastIndex: log.last.index,
    lastTerm: log.last.term,
    appliedIndex: applied.index,
    committedIndex: Math.max(applied.index, committed.found?.index ?? 0),
    members: await lastMembers(log, applied.index, configuration),
  };
}

/** The membership after the last entry of the log. */
async function lastMembers(log: LogDisk, applied: number, known: string) {
  let { members } = decodeConfiguration(utf8(known));
  for await (const page of log.read(log.firstIndex, log.last.index)) {
    for (const { type, index, payload } of page) {
      if (type !== EntryType.configuration || index <= applied) continue;
      members = decodeConfiguration(payload).members;
    }
  }
  return members;
}
