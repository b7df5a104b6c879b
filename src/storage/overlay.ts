/** Lists and scans that see changes which have not reached the storage yet. */
import type { Bytes } from "../base/bytes.ts";
import { compareKeys } from "../raft/key_order.ts";
import type { Entry, ListOptions, ScanOptions, Storage } from "./storage.ts";

type Change = readonly [key: string, value: Bytes | null];

/** How a key below `prefix` shows in a listing of it. */
function childName(prefix: string, key: string): string {
  const slash = key.indexOf("/", prefix.length);
  return slash < 0 ? key.slice(prefix.length) : key.slice(prefix.length, slash + 1);
}

/** The children of a folder as they are once `own` is applied. */
export async function mergeChildren(
  storage: Storage,
  prefix: string,
  options: ListOptions,
  own: readonly Change[],
): Promise<string[]> {
  const names = new Set(await storage.list(prefix));
  for (const [key, value] of own) {
    const name = childName(prefix, key);
    if (value !== null) names.add(name);
    else if (!name.endsWith("/")) names.delete(name);
    else if (await isEmptied(storage, prefix + name, own)) names.delete(name);
  }
  const sorted = [...names].sort(compareKeys);
  const { after, limit } = options;
  const rest = after === undefined ? sorted : sorted.filter((n) => compareKeys(n, after) > 0);
  return limit === undefined ? rest : rest.slice(0, limit);
}

async function isEmptied(
  storage: Storage,
  folder: string,
  own: readonly Change[],
): Promise<boolean> {
  const changed = new Map(own.filter(([key]) => key.startsWith(folder)));
  if ([...changed.values()].some((value) => value !== null)) return false;
  // One more than was deleted: if that many exist, one of them survives.
  const left = await storage.scan(folder, { limit: changed.size + 1 });
  return left.every(({ key }) => changed.has(key));
}

/** The entries of a range as they are once `own` is applied. */
export async function mergeEntries(
  storage: Storage,
  prefix: string,
  options: ScanOptions,
  own: readonly Change[],
): Promise<Entry[]> {
  const changed = new Map(own);
  const deleted = own.filter(([, value]) => value === null).length;
  const stored = await storage.scan(prefix, { ...options, limit: options.limit + deleted });
  const full = stored.length === options.limit + deleted;
  const last = stored.at(-1)?.key;
  const merged = stored.filter(({ key }) => !changed.has(key));
  for (const [key, value] of own) {
    if (value === null) continue;
    if (options.after !== undefined && compareKeys(key, options.after) <= 0) continue;
    if (options.before !== undefined && compareKeys(key, options.before) >= 0) continue;
    if (full && last !== undefined && compareKeys(key, last) > 0) continue;
    merged.push({ key, value });
  }
  return merged.sort((a, b) => compareKeys(a.key, b.key)).slice(0, options.limit);
}
