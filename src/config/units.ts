/**
 * Durations and sizes as people write them. A duration is a number of seconds everywhere in
 * Holdfast, and may be fractional; a size is a number of bytes.
 */

const secondsPer: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  "µs": 1e-6,
  "μs": 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
};

const durationPart = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/y;

/** Go keeps durations in 64-bit nanoseconds; what is longer is a mistake. */
const durationMax = 2 ** 63 / 1e9;

/**
 * Seconds in `90`, `"90"`, `"90s"`, `"1h30m"`, `"1.5h"`, `"2d"`, `"-5s"`. Numbers without a unit
 * are seconds. Undefined where the text is none of these, or longer than 292 years.
 */
export function parseDuration(value: string | number): number | undefined {
  const seconds = typeof value === "number" ? value : durationOfText(value.trim());
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  return Math.abs(seconds) > durationMax ? undefined : seconds;
}

function durationOfText(text: string): number | undefined {
  if (text.length > 100) return undefined;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const negative = text.startsWith("-");
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "") return undefined;
  let seconds = 0;
  durationPart.lastIndex = 0;
  while (durationPart.lastIndex < body.length) {
    const match = durationPart.exec(body);
    if (match === null) return undefined;
    const part = Number(match[1]) * (secondsPer[match[2] ?? ""] ?? Number.NaN);
    seconds += part;
  }
  // Decimal fractions of a second are not exact in binary; nanoseconds are the smallest unit.
  const rounded = Number(seconds.toFixed(9));
  return negative ? -rounded : rounded;
}

/** Go's form: `0s`, `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `-2m0s`. Precise to the microsecond. */
export function formatDuration(seconds: number): string {
  if (seconds === 0) return "0s";
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds < 1e-6) return `${trim(seconds * 1e9)}ns`;
  if (seconds < 1e-3) return `${trim(seconds * 1e6)}µs`;
  if (seconds < 1) return `${trim(seconds * 1e3)}ms`;
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = trim((whole % 60) + Number((seconds - whole).toFixed(9)));
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(6)));
}

const bytesPer: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1000,
  kib: 1024,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
  tb: 1000 ** 4,
  tib: 1024 ** 4,
};

/**
 * Bytes in `1024`, `"1024"`, `"32mb"` (decimal, SI), `"32MiB"` (binary). Case does not matter.
 * Undefined where the text is no size, or more than can be counted exactly.
 */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  const match = /^([+-]?\d{1,15})\s*([a-z]{0,3})$/.exec(value.trim().toLowerCase());
  const unit = bytesPer[match?.[2] ?? "none"];
  if (match === null || unit === undefined) return undefined;
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
