import { assert, assertEquals } from "@std/assert";
import { pauseMs } from "./pacing.ts";

const most = 96 * 1024 * 1024;

Deno.test("while half of the room is free nothing waits", () => {
  assertEquals(pauseMs(0, most, 600_000), 0);
  assertEquals(pauseMs(most / 2, most, 600_000), 0);
});

Deno.test("the fuller, the slower, up to ten seconds a group", () => {
  let before = 0;
  for (let share = 0.55; share < 0.9; share += 0.05) {
    const pause = pauseMs(share * most, most, 100_000);
    assert(pause > before, `${share}: ${pause} ms`);
    before = pause;
  }
  assertEquals(pauseMs(0.75 * most, most, 100_000), 100);
  assertEquals(pauseMs(most, most, 1), 10_000);
  assertEquals(pauseMs(2 * most, most, 1), 10_000);
});

/** A disk that flushes so many bytes a second, and writers that wait for each other. */
function longestWait(flushBytesPerSecond: number, groupBytes: number): number {
  const groupMs = groupBytes / 8_000;
  let active = 0, frozen = 0, now = 0, flushedAt = 0, longest = 0;
  while (now < 600_000) {
    if (frozen > 0 && now >= flushedAt) frozen = 0;
    if (frozen === 0 && active >= 16 * 1024 * 1024) {
      frozen = active;
      active = 0;
      flushedAt = now + frozen / flushBytesPerSecond * 1000;
    }
    const isFull = active + frozen >= most;
    const wait = isFull ? flushedAt - now : pauseMs(active + frozen, most, groupBytes);
    longest = Math.max(longest, wait);
    now += wait + groupMs;
    active += groupBytes;
  }
  return longest;
}

Deno.test("writers ten times as fast as the disk never wait for a whole flush", () => {
  // 8 MB/s are written where nothing holds them up; a flush of half the room takes minutes.
  for (const flushed of [3_000_000, 800_000, 400_000]) {
    for (const group of [1_000, 40_000, 600_000]) {
      const longest = longestWait(flushed, group);
      assert(longest <= 10_000, `${longest} ms at ${flushed} bytes/s in groups of ${group}`);
    }
  }
});
