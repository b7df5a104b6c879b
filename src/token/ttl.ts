/** How long something may live: what was asked for, what the role says, what the mount allows. */

export interface TtlInput {
  /** Seconds that the caller asked for; 0 for no wish. */
  readonly increment: number;
  /** Seconds of the role; 0 for none. */
  readonly ttl: number;
  readonly period: number;
  readonly maxTtl: number;
  readonly explicitMaxTtl: number;
  /** Of the mount, or the system. */
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  /** Milliseconds since the epoch. */
  readonly issueTime: number;
  readonly now: number;
}

export interface TtlResult {
  /** Seconds from now; 0 when its time is over. */
  readonly ttl: number;
  readonly warnings: readonly string[];
}

/**
 * The time to live of a new or renewed token or lease. A period replaces the TTL and the maximum
 * but for the explicit one; each maximum counts from the issue, so renewals can't stretch it.
 */
export function effectiveTtl(input: TtlInput): TtlResult {
  const warnings: string[] = [];
  const elapsed = Math.max(0, Math.floor((input.now - input.issueTime) / 1000));
  const cap = smallest(input.maxTtl, input.maxLeaseTtl);
  let ttl: number;
  if (input.period > 0) {
    ttl = smallest(input.period, input.maxLeaseTtl);
    if (ttl < input.period) {
      warnings.push(`Period of ${input.period}s was capped to the maximum of ${ttl}s`);
    }
  } else {
    const wanted = input.increment || input.ttl || input.defaultLeaseTtl;
    ttl = Math.min(wanted, Math.max(0, cap - elapsed));
    if (ttl < wanted && (input.increment > 0 || input.ttl > 0 || input.maxTtl > 0)) {
      warnings.push(`TTL of ${wanted}s exceeded the maximum; ${ttl}s was given`);
    }
  }
  if (input.explicitMaxTtl > 0) {
    const left = Math.max(0, input.explicitMaxTtl - elapsed);
    if (ttl > left) {
      warnings.push(`TTL of ${ttl}s exceeded the explicit maximum; ${left}s was given`);
      ttl = left;
    }
  }
  return { ttl, warnings };
}

/** The smaller of two limits of which 0 means none. */
function smallest(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}
