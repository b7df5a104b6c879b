/** How old the last good backup is, for people. */

const hourMs = 3_600_000;

/** "3.5 h ago"; "never" for 0. */
export function ageText(lastSuccess: number, now: number): string {
  if (lastSuccess === 0) return "never";
  return `${(Math.max(0, now - lastSuccess) / hourMs).toFixed(1)} h ago`;
}

/** A sentence where a backup is late or the last attempt failed; undefined where all is well. */
export function backupWarning(
  name: string,
  state: {
    readonly lastSuccess: number;
    readonly createdAt: number;
    readonly lastError: string;
  },
  intervalSeconds: number,
  now: number,
): string | undefined {
  const { lastSuccess, createdAt, lastError } = state;
  const waited = now - (lastSuccess === 0 ? createdAt : lastSuccess);
  if (lastError === "" && waited <= 2 * intervalSeconds * 1000) return undefined;
  const why = lastError === "" ? "" : `; the last attempt failed: ${lastError}`;
  return `automated snapshot "${name}": last good backup ${ageText(lastSuccess, now)}${why}`;
}
