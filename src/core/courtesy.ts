/** How much room work in the background leaves for the requests that came while it was at work. */

/** Requests get so many times what a batch took: what is deleted is flushed meanwhile, as well. */
const share = 2;
/**
 * But no more than this for each that came. A few that take long, such as lists of what is being
 * ended, make a batch take long too: without this limit they would stop everything for as long again.
 */
const perRequestMs = 5;
/** So many in the time of a batch are a stream of requests. */
const streamMin = 2;

/** Milliseconds to pause after a batch that took so long, in which so many requests came. */
export function pauseAfter(tookMs: number, came: number): number {
  return Math.min(tookMs * share, came * perRequestMs);
}

/** Whether so many are more than one that just happened to come. */
export function isStream(came: number): boolean {
  return came >= streamMin;
}
