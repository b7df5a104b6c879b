import { assertEquals } from "@std/assert";
import { aclOf, seeded } from "./testing.ts";

/** Vault's rules written down as naively as can be, to compare the compiled form with. */
function referenceMatches(pattern: string, path: string): boolean {
  const open = pattern.endsWith("*");
  const body = open ? pattern.slice(0, -1) : pattern;
  const wanted = body.split("/");
  const given = path.split("/");
  if (!wanted.includes("+")) return open ? path.startsWith(body) : path === body;
  if (given.length < wanted.length || (!open && given.length !== wanted.length)) return false;
  return wanted.every((segment, i) => {
    if (segment === "+") return true;
    const last = i === wanted.length - 1;
    return open && last ? (given[i] ?? "").startsWith(segment) : given[i] === segment;
  });
}

function firstWildcard(pattern: string): number {
  const segments = pattern.split("/");
  const plus = segments.indexOf("+");
  if (plus !== -1) return segments.slice(0, plus).reduce((sum, one) => sum + one.length + 1, 0);
  return pattern.endsWith("*") ? pattern.length - 1 : Number.POSITIVE_INFINITY;
}

/** Positive when `a` has priority. */
function referenceCompare(a: string, b: string): number {
  const pluses = (text: string) =>
    text.replace(/\*$/, "").split("/").filter((s) => s === "+").length;
  if (firstWildcard(a) !== firstWildcard(b)) return firstWildcard(a) < firstWildcard(b) ? -1 : 1;
  if (a.endsWith("*") !== b.endsWith("*")) return a.endsWith("*") ? -1 : 1;
  if (pluses(a) !== pluses(b)) return pluses(b) - pluses(a);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function best(patterns: readonly string[], path: string): string | undefined {
  return patterns.filter((pattern) => referenceMatches(pattern, path)).sort(referenceCompare).at(
    -1,
  );
}

function reference(patterns: readonly string[], path: string, listing: boolean) {
  const isExact = (pattern: string) => firstWildcard(pattern) === Number.POSITIVE_INFINITY;
  const trimmed = listing && path.endsWith("/") ? path.slice(0, -1) : path;
  if (patterns.includes(path) && isExact(path)) return path;
  if (patterns.includes(trimmed) && isExact(trimmed)) return trimmed;
  const globs = patterns.filter((pattern) => !isExact(pattern));
  return best(globs, path) ?? best(globs, trimmed);
}

Deno.test("the compiled matcher finds what the naive one finds, over random policies", () => {
  const next = seeded(42);
  const pick = (items: readonly string[]) => items[Math.floor(next() * items.length)] ?? "";
  const segments = ["a", "b", "ab", "a+", "", "x"];
  const makePath = (parts: readonly string[]) =>
    Array.from({ length: 1 + Math.floor(next() * 4) }, () => pick(parts)).join("/");
  for (let round = 0; round < 1_500; round++) {
    const patterns = new Set<string>();
    for (let i = 1 + Math.floor(next() * 10); i > 0; i--) {
      const path = makePath([...segments, "+", "+", "+"]) + pick(["", "", "*", "/*"]);
      if (!path.includes("+*") && !path.startsWith("/")) patterns.add(path);
    }
    const list = [...patterns];
    const acl = aclOf(
      list.map((path) => `path ${JSON.stringify(path)} { capabilities = ["read", "list"] }`).join(
        "\n",
      ),
    );
    for (let i = 0; i < 20; i++) {
      const path = makePath(segments);
      for (const operation of ["read", "list"] as const) {
        const found = acl.check({ path, operation }).rule?.path;
        const expected = reference(list, path, operation === "list");
        assertEquals(found, expected, `${operation} ${path} by ${list.join(" ")}`);
      }
    }
  }
});
