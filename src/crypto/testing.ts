/** Time and chance for tests of the rooms around the barrier: a seed replays everything. */
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
