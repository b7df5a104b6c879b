/** When leases end, in buckets of equal width, as `expire.leases.by_expiration` tells it. */

import type { UsageSettings } from "../../telemetry/settings.ts";

/** The bucket of a lease that ends at `expireTime`; undefined where it is in none. */
export function expiryBucket(
  expireTime: number,
  now: number,
  { epsilonMs, count }: UsageSettings["leases"],
): string | undefined {
  if (expireTime <= 0 || expireTime > now + count * epsilonMs) return undefined;
  return goTime(Math.round(expireTime / epsilonMs) * epsilonMs);
}

/** As dashboards know the label: `2026-01-01 12:00:00 +0000 UTC`. */
function goTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000 UTC`;
}
