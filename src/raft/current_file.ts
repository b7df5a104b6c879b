/** Which state file is the one in use: a small file that is replaced atomically. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

const NAME = "CURRENT";
const STATE_NAME = /^state-(\d+)\.kv$/;

export function stateFileName(generation: number): string {
  return `state-${generation}.kv`;
}

/** The generation in use, or undefined in a directory that never had one. */
export async function readCurrent(
  directory: string,
  disk: Disk = denoDisk,
): Promise<number | undefined> {
  const path = `${directory}/${NAME}`;
  const content = await disk.read(path);
  if (content === undefined) return undefined;
  const body = openRecord("current", content);
  const generation = body === undefined ? undefined : STATE_NAME.exec(fromUtf8(body))?.[1];
  if (generation === undefined) throw new CorruptionError(`${path} is damaged`);
  return Number(generation);
}

/** Makes a state file the one in use, durably. */
export async function writeCurrent(
  directory: string,
  generation: number,
  disk: Disk = denoDisk,
): Promise<void> {
  await disk.replace(directory, NAME, sealRecord("current", utf8(stateFileName(generation))));
}

/** Generations of which there are files. */
export async function generations(directory: string, disk: Disk = denoDisk): Promise<number[]> {
  const found: number[] = [];
  for (const name of await disk.names(directory)) {
    const generation = STATE_NAME.exec(name)?.[1];
    if (generation !== undefined) found.push(Number(generation));
  }
  return found;
}
