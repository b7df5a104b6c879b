/** What the tests of this room share. Not for use outside of tests. */
import { systemClock, systemRandom } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import { Raft } from "./consensus/raft.ts";
import { START } from "./log_entry.ts";
import { openRaftStorage, type RaftStorage, type RaftStorageOptions } from "./mod.ts";

/** A seeded source of numbers from 0 to below `bound` (mulberry32). */
export function seeded(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * bound);
  };
}

/** Opens a storage on the real clock; a fatal error goes to `fatal`. */
export function openForTest(
  path: string,
  options: Partial<RaftStorageOptions> = {},
): Promise<RaftStorage> {
  return openRaftStorage({
    path,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
}

/** Consensus of node "a" of a group, in which nothing has happened; chance always says 0. */
export function newRaft(ids: readonly string[]): Raft {
  const members = ids.map((id) => ({ id, address: "", voter: true }));
  return new Raft({
    settings: {
      id: "a",
      electionTicks: 10,
      heartbeatTicks: 2,
      appendEntriesMax: 10,
      inflightMax: 10,
      random: () => 0,
    },
    hardState: { term: 0, vote: "" },
    log: { base: START, runs: [], lastIndex: 0, tail: [] },
    configurations: [{ index: 0, configuration: { members } }],
    commit: 0,
    windowBytes: 1000,
  });
}

/** Runs a test in a directory of its own, which is gone afterwards. */
export async function inDirectory(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "holdfast-raft-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}
