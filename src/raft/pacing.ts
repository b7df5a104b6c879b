/**
 * Writes that come faster than the disk takes them are slowed down before there is no room at all:
 * all of them wait a little, so that none has to wait for a whole flush.
 */

/** What writes are slowed down to at three quarters, bytes a millisecond. */
const BYTES_PER_MS = 1000;
/** The longest that a group waits. */
const PAUSE_MAX_MS = 10_000;

/**
 * Milliseconds that a group of `groupBytes` waits where `unflushed` of `most` bytes are taken: none
 * up to the half, then ever more, so that the room that is left lasts until the flush has ended.
 */
export function pauseMs(unflushed: number, most: number, groupBytes: number): number {
  const fill = unflushed / most * 2 - 1;
  if (fill <= 0) return 0;
  if (fill >= 1) return PAUSE_MAX_MS;
  const slowness = fill / (1 - fill);
  return Math.min(PAUSE_MAX_MS, slowness * slowness * groupBytes / BYTES_PER_MS);
}
