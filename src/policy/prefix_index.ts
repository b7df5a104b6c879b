/**
 * Longest stored prefix of a text in O(log n): in sorted order, the last entry not above the text
 * is either a prefix of it or shares with it every prefix that could match, and those are on the
 * chain of prefixes of that entry.
 */
export class PrefixIndex<T> {
  readonly #prefixes: string[];
  readonly #values: T[];
  /** Index of each entry's own longest proper prefix, or -1. */
  readonly #parents: number[] = [];

  constructor(entries: Iterable<readonly [string, T]>) {
    const sorted = [...entries].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
    this.#prefixes = sorted.map(([prefix]) => prefix);
    this.#values = sorted.map(([, value]) => value);
    const open: number[] = [];
    this.#prefixes.forEach((prefix, i) => {
      while (open.length > 0 && !prefix.startsWith(this.#prefixes[open.at(-1) ?? 0] ?? "")) {
        open.pop();
      }
      this.#parents.push(open.at(-1) ?? -1);
      open.push(i);
    });
  }

  /** The value of the longest prefix of `text`, or undefined. */
  longest(text: string): T | undefined {
    let low = 0;
    let high = this.#prefixes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#prefixes[middle] ?? "") <= text) low = middle + 1;
      else high = middle;
    }
    let at = low - 1;
    while (at >= 0 && !text.startsWith(this.#prefixes[at] ?? "")) at = this.#parents[at] ?? -1;
    return at < 0 ? undefined : this.#values[at];
  }
}
