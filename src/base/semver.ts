/** Versions by semver.org's rules: pre-releases come before, build metadata does not count. */

/** Negative where `a` is older; undefined where either is no version. */
export function compareVersions(a: string, b: string): number | undefined {
  const left = parse(a), right = parse(b);
  if (left === undefined || right === undefined) return undefined;
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return comparePreReleases(left.pre, right.pre);
}

export function isVersion(text: string): boolean {
  return parse(text) !== undefined;
}

function parse(text: string): { numbers: number[]; pre: string[] } | undefined {
  const match =
    /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/
      .exec(text);
  if (match === null) return undefined;
  return {
    numbers: [match[1], match[2], match[3]].map((digits) => Number(digits ?? 0)),
    pre: match[4]?.split(".") ?? [],
  };
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const left = a[i], right = b[i];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const [m, n] = [left, right].map((part) => /^\d+$/.test(part) ? Number(part) : undefined);
    if (m !== undefined && n !== undefined) return m - n;
    // Numbers come before words.
    if (m !== undefined || n !== undefined) return m !== undefined ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
