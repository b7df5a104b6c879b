/** What the tests of this room share. Not for use outside of tests. */
import { systemClock, systemRandom } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
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

/** Runs a test in a directory of its own, which is gone afterwards. */
export async function inDirectory(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "holdfast-raft-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}
