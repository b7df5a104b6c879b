/** Counts by label, of which only the largest are shown. */
import { labelKey, type Labels } from "../../telemetry/labels.ts";

export interface Tallied {
  readonly labels: Labels;
  readonly count: number;
}

/** Label sets that are told apart while they are counted; what comes beyond is not counted. */
const kindsMax = 100_000;

export class Tally {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>();

  add(labels: Labels, by = 1): void {
    const key = labelKey(labels);
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += by;
    else if (this.#counts.size < kindsMax) this.#counts.set(key, { labels, count: by });
  }

  /** At most `max`, the largest first. */
  top(max: number): Tallied[] {
    return [...this.#counts.values()].sort((a, b) => b.count - a.count).slice(0, max);
  }
}
