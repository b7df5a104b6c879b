import { comparePriority, matchesSegments, parsePattern, type PathPattern } from "./pattern.ts";
import type { MergedRule } from "./merge.ts";
import { PrefixIndex } from "./prefix_index.ts";

interface Entry {
  readonly pattern: PathPattern;
  readonly rule: MergedRule;
}

/** Rules with `+` whose first wildcard stands at one position, by the text before it. */
interface Level {
  readonly position: number;
  readonly byFixed: ReadonlyMap<string, readonly Entry[]>;
}

/**
 * Finds the one rule that decides on a path. Exact paths are a map, globs a sorted array, and
 * rules with `+` are grouped by the text before the first one, so that the cost follows the number
 * of distinct positions, not the number of rules.
 */
export class RuleIndex {
  readonly #exact = new Map<string, MergedRule>();
  readonly #globs: PrefixIndex<Entry>;
  /** Later positions first, because they have priority. */
  readonly #levels: readonly Level[];

  constructor(rules: readonly MergedRule[]) {
    const entries = rules.map((rule) => ({ pattern: parsePattern(rule.path), rule }));
    const globs: [string, Entry][] = [];
    for (const entry of entries) {
      if (entry.pattern.kind === "exact") this.#exact.set(entry.rule.path, entry.rule);
      if (entry.pattern.kind === "prefix") globs.push([entry.pattern.fixed, entry]);
    }
    this.#globs = new PrefixIndex(globs);
    this.#levels = levels(entries.filter(({ pattern }) => pattern.kind === "segments"));
  }

  /**
   * @param listing for list and scan: a path with a trailing slash also stands for the one
   * without it, which comes second at each step
   */
  find(path: string, listing: boolean): MergedRule | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    const trimmed = listing && path.endsWith("/") ? path.slice(0, -1) : undefined;
    if (trimmed !== undefined) {
      const exactTrimmed = this.#exact.get(trimmed);
      if (exactTrimmed !== undefined) return exactTrimmed;
    }
    const found = this.#findPattern(path);
    return found === undefined && trimmed !== undefined ? this.#findPattern(trimmed) : found;
  }

  #findPattern(path: string): MergedRule | undefined {
    const glob = this.#globs.longest(path);
    const floor = glob === undefined ? -1 : glob.pattern.fixed.length;
    for (const { position, byFixed } of this.#levels) {
      if (position < floor) break;
      if (position > path.length) continue;
      for (const { pattern, rule } of byFixed.get(path.slice(0, position)) ?? []) {
        // A glob at the same position has fewer `+` and so comes before what ends in `*`.
        if (position === floor && pattern.open) break;
        if (matchesSegments(pattern, path)) return rule;
      }
    }
    return glob?.rule;
  }
}

function levels(entries: readonly Entry[]): Level[] {
  const byPosition = new Map<number, Map<string, Entry[]>>();
  const sorted = [...entries].sort((a, b) => comparePriority(a.pattern, b.pattern));
  for (const entry of sorted) {
    const { fixed } = entry.pattern;
    const byFixed = byPosition.get(fixed.length) ?? new Map<string, Entry[]>();
    byPosition.set(fixed.length, byFixed);
    const group = byFixed.get(fixed) ?? [];
    byFixed.set(fixed, group);
    group.push(entry);
  }
  return [...byPosition].map(([position, byFixed]) => ({ position, byFixed }))
    .sort((a, b) => b.position - a.position);
}
