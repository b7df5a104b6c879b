/** When leases end, in buckets of equal width, as `expire.leases.by_expiration` tells it. */

import { goTime } from "../../telemetry/json_form.ts";
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
