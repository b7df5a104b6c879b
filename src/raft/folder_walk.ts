/** Listing a folder over anything that can seek: sub-folders are skipped, never walked. */
import { compareKeys, pastFolder, successor } from "./key_order.ts";

export interface NameOptions {
  /** Only names strictly after this one, in byte order. */
  readonly after?: string;
  /** At most so many names. */
  readonly limit?: number;
}

/** Where the walk of a folder starts: the least full key whose name can be after `after`. */
export function walkStart(prefix: string, after: string | undefined): string {
  if (after === undefined) return prefix;
  const slash = after.indexOf("/");
  if (slash < 0) return successor(prefix + after);
  return pastFolder(prefix + after.slice(0, slash + 1));
}

/** The name under which `key` appears in the folder `prefix`: up to and with the first "/". */
export function nameIn(prefix: string, key: string): string {
  const slash = key.indexOf("/", prefix.length);
  return slash < 0 ? key.slice(prefix.length) : key.slice(prefix.length, slash + 1);
}

/** Where to seek after `name` has been listed. */
export function pastName(prefix: string, name: string): string {
  return name.endsWith("/") ? pastFolder(prefix + name) : successor(prefix + name);
}

/** Lists a folder of a sorted map that is asked for the least key at or after another. */
export function listNames(
  ceiling: (from: string) => string | undefined,
  prefix: string,
  options: NameOptions = {},
): string[] {
  const limit = options.limit ?? Infinity;
  const names: string[] = [];
  let key = limit > 0 ? ceiling(walkStart(prefix, options.after)) : undefined;
  while (key !== undefined && key.startsWith(prefix) && names.length < limit) {
    const name = nameIn(prefix, key);
    names.push(name);
    key = ceiling(pastName(prefix, name));
  }
  return names;
}

/** The range of keys that a scan of `prefix` covers, as [from, to): `to` is absent at the end. */
export function scanRange(
  prefix: string,
  options: { readonly after?: string; readonly before?: string },
): { readonly from: string; readonly before: string | undefined } {
  const after = options.after === undefined ? "" : successor(options.after);
  return {
    from: compareKeys(after, prefix) > 0 ? after : prefix,
    before: options.before,
  };
}
