/** Which state file is the one in use: a small file that is replaced atomically. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { readIfThere, replaceFile } from "./durable_file.ts";
import { CorruptionError } from "./errors.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

const NAME = "CURRENT";
const STATE_NAME = /^state-(\d+)\.kv$/;

export function stateFileName(generation: number): string {
  return `state-${generation}.kv`;
}

/** The generation in use, or undefined in a directory that never had one. */
export async function readCurrent(directory: string): Promise<number | undefined> {
  const path = `${directory}/${NAME}`;
  const content = await readIfThere(path);
  if (content === undefined) return undefined;
  const body = openRecord("current", content);
  const generation = body === undefined ? undefined : STATE_NAME.exec(fromUtf8(body))?.[1];
  if (generation === undefined) throw new CorruptionError(`${path} is damaged`);
  return Number(generation);
}

/** Makes a state file the one in use, durably. */
export async function writeCurrent(directory: string, generation: number): Promise<void> {
  await replaceFile(directory, NAME, sealRecord("current", utf8(stateFileName(generation))));
}

/** Generations of which there are files. */
export async function generations(directory: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    const generation = STATE_NAME.exec(name)?.[1];
    if (generation !== undefined) found.push(Number(generation));
  }
  return found;
}
