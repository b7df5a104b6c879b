/**
 * A node of a group whose state file is damaged begins it anew, as an empty node that keeps its
 * id, term and vote, and gets log and state from the leader.
 *
 * Why that is safe: others may count on entries that this node acknowledged and now forgets. So it
 * notes how far its log went (the floor) before it forgets anything, and neither votes nor stands
 * until its log is at least as up to date again. A leader elected meanwhile had a quorum without
 * it, in which somebody else holds each committed entry; so had whoever is heard as a leader of
 * this term or a later one. When the log is past the floor, it came from such a leader and holds
 * them all again.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { AckMarker } from "./ack_marker.ts";
import { isUpToDate } from "./consensus/core.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { LogDisk, type LogDiskOptions } from "./log_disk.ts";
import { type Position, START } from "./log_entry.ts";
import { CHAIN_START } from "./log_record.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";
import { forgetInstall } from "./state_install.ts";

const NAME = "repair";

interface Repair {
  readonly floor: Position;
  /** The state file that was given up; earlier versions named none. */
  readonly stateName: string | undefined;
}

/** How far a log went that was given up; undefined where none was, or it is there again. */
export async function readFloor(
  directory: string,
  disk: Disk = denoDisk,
): Promise<Position | undefined> {
  return (await readRepair(directory, disk))?.floor;
}

/** Whether a repair of this state file was begun, and broke off: its log may be gone already. */
export async function isGivenUp(
  directory: string,
  stateName: string,
  disk: Disk,
): Promise<boolean> {
  return (await readRepair(directory, disk))?.stateName === stateName;
}

async function readRepair(directory: string, disk: Disk): Promise<Repair | undefined> {
  const path = `${directory}/raft/${NAME}`;
  const content = await disk.read(path);
  if (content === undefined) return undefined;
  const body = openRecord(NAME, content);
  const parsed: unknown = body === undefined ? undefined : JSON.parse(fromUtf8(body));
  if (Array.isArray(parsed)) {
    const [index, term, name]: unknown[] = parsed;
    if (typeof index === "number" && typeof term === "number") {
      return { floor: { index, term }, stateName: typeof name === "string" ? name : undefined };
    }
  }
  throw new CorruptionError(`${path} is damaged`);
}

/** The log is past the floor. */
export async function removeFloor(directory: string, disk: Disk): Promise<void> {
  await disk.remove(`${directory}/raft/${NAME}`);
}

/**
 * Sets a damaged state file aside and empties the log, in an order that can be interrupted: what
 * is left then is repaired again. Returns the path the file has now. Throws `CorruptionError`
 * where the log is damaged too: then nobody knows what this node has acknowledged.
 */
export async function setAside(
  directory: string,
  stateName: string,
  options: LogDiskOptions,
): Promise<string> {
  const { disk = denoDisk } = options;
  const marker = await AckMarker.open(`${options.directory}/acknowledged`, disk);
  marker.close();
  if (marker.found === undefined) throw new CorruptionError(`${marker.path} is damaged`);
  const log = await LogDisk.open(options);
  try {
    const earlier = await readFloor(directory, disk) ?? START;
    const { index, term } = isUpToDate(log.last, earlier) ? log.last : earlier;
    const floor = utf8(JSON.stringify([index, term, stateName]));
    await disk.replace(`${directory}/raft`, NAME, sealRecord(NAME, floor));
    await log.restart(CHAIN_START);
    // It may name the file that takes the place of this one.
    await forgetInstall(directory, disk);
  } finally {
    log.close();
  }
  await disk.renameKv(directory, stateName, `damaged-${stateName}`);
  return `${directory}/damaged-${stateName}`;
}
