/** Time and chance for tests of the rooms around the barrier: a seed replays everything. */
import { assert } from "@std/assert";
import type { Clock, Random } from "../base/clock.ts";

/** Deterministic, and not fit for keys that protect anything (xorshift32). */
export function testRandom(seed: number): Random {
  let state = (seed * 2654435761) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  const bytes = (length: number) => Uint8Array.from({ length }, () => next() >>> 8);
  return {
    bytes,
    uuid() {
      const raw = bytes(16);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      return raw.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
  };
}

/** A clock that stands until it is moved. Timers are not run. */
export function testClock(start = 1_700_000_000_000): Clock & { advance(ms: number): void } {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now - start,
    after: () => () => {},
    advance(ms) {
      now += ms;
    },
  };
}

type Work = () => unknown;

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

/** Median times of two kinds of work, in milliseconds, done in turns. */
async function timesOf(a: Work, b: Work, rounds: number): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [i, work] of [a, b].entries()) {
      const start = performance.now();
      await work();
      times[i]?.push(performance.now() - start);
    }
  }
  return [median(times[0]), median(times[1])];
}

/**
 * Fails where one takes clearly longer than the other, again and again: times are noisy, so they are measured in
 * turns, compared by medians, and tried some times.
 */
export async function assertAlike(a: Work, b: Work, rounds: number): Promise<void> {
  const seen: string[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    const [first, second] = await timesOf(a, b, rounds);
    const ratio = first / second;
    if (ratio > 0.8 && ratio < 1.25) return;
    seen.push(`${first.toFixed(4)} and ${second.toFixed(4)} ms`);
  }
  assert(false, `the times differ each time: ${seen.join("; ")}`);
}
