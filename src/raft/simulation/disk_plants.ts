/**
 * Faults of the program that are planted under the storage: they alter what reaches the disk, or
 * what is found there, as the program would if it had them.
 */
import { concat } from "../../base/bytes.ts";
import type { Mutation } from "../disk.ts";
import { decodeMeta, encodeMeta } from "../state_meta.ts";
import type { DiskPlant } from "./simulated_files.ts";

export const diskPlants: readonly DiskPlant[] = [
  {
    name: "a flush that moves the applied index before the rows are durable",
    commit: metaFirst,
    strikes: ["crash point"],
  },
  { name: "a replay that skips an entry", found: appliedTooFar },
  { name: "a compaction that drops one segment too many", removed: theNextToo },
  {
    name: "an acknowledged marker that is written before the commit",
    liesMs: (path) => isLog(path) ? 300 : 0,
  },
  { name: "a vote that is not durable", liesMs: (path) => path.endsWith("/node.kv") ? 2000 : 0 },
  {
    name: "a marker that goes back and is not synced",
    forgetsSync: true,
    strikes: ["rotten row", "crash point"],
  },
];

function isLog(path: string): boolean {
  return path.includes("/raft/log-");
}

function isState(path: string): boolean {
  return path.includes("/state-");
}

/** What the file says of itself goes first, in a commit of its own. */
function metaFirst(path: string, mutations: readonly Mutation[]): readonly Mutation[][] {
  const meta = mutations.filter(({ key }) => key[0] === "m");
  const rows = mutations.filter(({ key }) => key[0] !== "m");
  if (!isState(path) || meta.length === 0 || rows.length === 0) return [[...mutations]];
  return [meta, rows];
}

/** A state file says that it holds the entry after those that it holds. */
function appliedTooFar(path: string, key: string, row: Uint8Array): Uint8Array {
  if (!isState(path) || key !== "m") return row;
  const meta = decodeMeta(path, concat(row));
  // Not of an empty one: of that everybody would see at once that it can't be.
  if (meta === undefined || meta.applied.index < 20) return row;
  const { applied } = meta;
  return encodeMeta({ ...meta, applied: { ...applied, index: applied.index + 1 } });
}

/** With a segment of the log goes the one after it. */
function theNextToo(path: string, all: readonly string[]): readonly string[] {
  if (!isLog(path)) return [];
  const next = all.filter((other) => isLog(other) && other > path).sort()[0];
  return next === undefined ? [] : [next];
}
