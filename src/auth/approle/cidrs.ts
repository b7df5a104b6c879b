/** Address ranges of roles and of their secret IDs. */
import { badRequest } from "../../base/failure.ts";
import { cidrContains, parseCidr } from "../../core/cidr.ts";

/** Checks that all are ranges, and keeps them as they were written. */
export function checkCidrs(name: string, texts: readonly string[]): string[] {
  const ranges = texts.filter((text) => text !== "");
  for (const text of ranges) {
    if (parseCidr(text) === undefined) throw badRequest(`${name} holds no valid CIDR`);
  }
  return ranges;
}

/** Throws a 400 unless each range lies within one of `outer`; none in `outer` allows any. */
export function checkSubset(
  name: string,
  inner: readonly string[],
  outer: readonly string[],
): void {
  if (outer.length === 0) return;
  for (const text of inner) {
    const range = parseCidr(text);
    const within = range !== undefined && outer.some((candidate) => {
      const wide = parseCidr(candidate);
      return wide !== undefined && wide.bits <= range.bits &&
        cidrContains(candidate, range.address);
    });
    if (!within) throw badRequest(`${name} is not a subset of what the role allows`);
  }
}

/** Whether an address is in one of the ranges; none allows any. */
export function addressAllowed(ranges: readonly string[], address: string): boolean {
  return ranges.length === 0 || ranges.some((range) => cidrContains(range, address));
}
