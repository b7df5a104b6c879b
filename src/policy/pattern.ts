/** How a rule's path selects request paths. */
export interface PathPattern {
  readonly kind: "exact" | "prefix" | "segments";
  readonly path: string;
  /** Text before the first wildcard. */
  readonly fixed: string;
  /** Ends in `*`. */
  readonly open: boolean;
  /** Number of `+` segments. */
  readonly pluses: number;
  /** Kind `segments`: what follows `fixed`, split at slashes; undefined is a `+`. */
  readonly rest: readonly (string | undefined)[];
}

/** Classifies a path: `+` is a wildcard as a whole segment, `*` at the very end only. */
export function parsePattern(path: string): PathPattern {
  const open = path.endsWith("*");
  const body = open ? path.slice(0, -1) : path;
  const segments = body.split("/");
  const first = segments.indexOf("+");
  if (first === -1) {
    const kind = open ? "prefix" : "exact";
    return { kind, path, fixed: body, open, pluses: 0, rest: [] };
  }
  const fixed = segments.slice(0, first).map((segment) => `${segment}/`).join("");
  const rest = segments.slice(first).map((segment) => segment === "+" ? undefined : segment);
  const pluses = rest.filter((segment) => segment === undefined).length;
  return { kind: "segments", path, fixed, open, pluses, rest };
}

/** Whether a path that starts with `pattern.fixed` matches a pattern with `+` segments. */
export function matchesSegments(pattern: PathPattern, path: string): boolean {
  let at = pattern.fixed.length;
  const last = pattern.rest.length - 1;
  for (let i = 0; i <= last; i++) {
    const slash = path.indexOf("/", at);
    const end = slash === -1 ? path.length : slash;
    const segment = pattern.rest[i];
    if (i === last) {
      if (pattern.open) return segment === undefined || path.startsWith(segment, at);
      if (slash !== -1) return false;
      return segment === undefined || path.slice(at) === segment;
    }
    if (slash === -1) return false;
    if (segment !== undefined) {
      if (end - at !== segment.length || !path.startsWith(segment, at)) return false;
    }
    at = end + 1;
  }
  return false;
}

/**
 * Sorts patterns that match one path, the deciding one first. Vault's order: an exact path; then
 * the later first wildcard; then no `*` at the end; then fewer `+`; then the longer; then the
 * lexicographically greater.
 */
export function comparePriority(a: PathPattern, b: PathPattern): number {
  if (a.kind !== b.kind && (a.kind === "exact" || b.kind === "exact")) {
    return a.kind === "exact" ? -1 : 1;
  }
  return b.fixed.length - a.fixed.length || Number(a.open) - Number(b.open) ||
    a.pluses - b.pluses || b.path.length - a.path.length || (a.path > b.path ? -1 : 1);
}

/** Whether a pattern matches a path, by itself. */
export function matchesPath(pattern: PathPattern, path: string): boolean {
  if (pattern.kind === "exact") return path === pattern.path;
  if (!path.startsWith(pattern.fixed)) return false;
  return pattern.kind === "prefix" || matchesSegments(pattern, path);
}
