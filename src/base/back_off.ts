/** How long to wait before what has failed is tried again. */

export interface BackOff {
  /** Milliseconds after the first failure; doubled with each further one. */
  readonly firstMs: number;
  /** Never longer than this. */
  readonly longestMs: number;
}

/** Milliseconds to wait after so many failures in a row, of which there is one at least. */
export function backOffMs(failures: number, { firstMs, longestMs }: BackOff): number {
  // Doubled more often than that it would pass any bound, and in the end any number.
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
}
