/** Lengths of time as people write them for this API: `30s`, `1h30m`, or a number of seconds. */

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds, or undefined where the text is not a duration. A bare number counts seconds. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h|d))+)$/.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const part of (match[2] ?? "").matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    total += Number(part[1]) * (unitMs[part[2] ?? ""] ?? 0);
  }
  return match[1] === "-" ? -total : total;
}

/** The form the API takes and answers with: `1h0m0s`, `250ms`, `0s`. */
export function durationText(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 0) return `-${durationText(-ms)}`;
  if (ms < 1) return `${Math.round(ms * 1e6)}ns`;
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = Math.round(ms % 60_000) / 1000;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** The form for tables: `durationText` without parts that are zero at its end. */
export function shortDuration(seconds: number): string {
  const text = durationText(seconds * 1000);
  const withoutSeconds = text.endsWith("m0s") ? text.slice(0, -2) : text;
  return withoutSeconds.endsWith("h0m") ? withoutSeconds.slice(0, -2) : withoutSeconds;
}
