/** Times as parts of storage keys. */

/** Milliseconds since the epoch as text whose byte order is that of time, until the year 33658. */
export function timeKey(milliseconds: number): string {
  return String(Math.max(0, Math.trunc(milliseconds))).padStart(15, "0");
}
