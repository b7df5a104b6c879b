/** Elections, heartbeats and leases, in ticks. How long a tick lasts is the configuration's. */

/** Ticks of silence before a follower stands for election; from this to twice as many. */
export const ELECTION_TICKS = 10;
export const HEARTBEAT_TICKS = 2;
/** A fifth of the silence that is sure before an election is margin. */
const LEASE_SHARE = 0.8;

/**
 * How long a leader may read without asking, from when its proof was asked for; milliseconds, of
 * ticks that last so many. Nine whole ticks are sure between two elections.
 */
export function leaseMsOf(tickMs: number): number {
  return tickMs * (ELECTION_TICKS - 1) * LEASE_SHARE;
}
