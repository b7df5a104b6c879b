/**
 * Quantiles of what was measured lately: counts in buckets whose widths grow with the value, so
 * that a quantile is within 3 % of the truth for any time from a tenth of a microsecond to a day.
 */

/** Buckets to a doubling; a bucket is 2^(1/16) = 4.4 % wide. */
const perDoubling = 16;
const lowestMs = 1e-4;
const doublings = 40;
const buckets = perDoubling * doublings + 1;

function bucketOf(ms: number): number {
  if (!(ms > lowestMs)) return 0;
  const at = Math.ceil(Math.log2(ms / lowestMs) * perDoubling);
  return at < buckets ? at : buckets - 1;
}

/** The middle of a bucket. */
function valueOf(bucket: number): number {
  return bucket === 0 ? 0 : lowestMs * 2 ** ((bucket - 0.5) / perDoubling);
}

/** Two generations: the one that is filled and the one before it make the window. */
export class Histogram {
  #now = new Uint32Array(buckets);
  #before = new Uint32Array(buckets);

  add(ms: number): void {
    const at = bucketOf(ms);
    this.#now[at] = (this.#now[at] ?? 0) + 1;
  }

  /** Forgets the older generation and begins a new one. */
  turn(): void {
    [this.#now, this.#before] = [this.#before, this.#now];
    this.#now.fill(0);
  }

  /** Values at these shares (0 to 1), NaN each where nothing was measured. */
  quantiles(shares: readonly number[]): number[] {
    let total = 0;
    for (let i = 0; i < buckets; i++) total += this.#at(i);
    return shares.map((share) => total === 0 ? NaN : this.#valueAt(Math.ceil(share * total) || 1));
  }

  #at(bucket: number): number {
    return (this.#now[bucket] ?? 0) + (this.#before[bucket] ?? 0);
  }

  #valueAt(rank: number): number {
    let seen = 0;
    for (let i = 0; i < buckets; i++) {
      seen += this.#at(i);
      if (seen >= rank) return valueOf(i);
    }
    return NaN;
  }
}
