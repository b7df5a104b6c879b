/** What can be told of a snapshot without any key. */
import { SEAL_CONFIG_KEY } from "../barrier/physical.ts";
import { decodeSealConfig, type SealConfig } from "../seal/config.ts";
import type { Entry } from "../storage/storage.ts";
import { CorruptionError } from "../storage/storage.ts";
import type { ReadSnapshot } from "./read.ts";

/** Entries whose keys begin alike. */
export interface PrefixCount {
  readonly name: string;
  readonly count: number;
  /** Bytes of keys and values. */
  readonly size: number;
}

/**
 * Counts entries by the first `depth` parts of their keys, the largest first. Only keys that begin
 * with `filter` are counted.
 */
export async function countByPrefix(
  entries: AsyncIterable<Entry>,
  { depth, filter }: { readonly depth: number; readonly filter: string },
): Promise<PrefixCount[]> {
  const found = new Map<string, { count: number; size: number }>();
  for await (const { key, value } of entries) {
    if (!key.startsWith(filter)) continue;
    const name = key.split("/").slice(0, depth).join("/");
    const known = found.get(name) ?? { count: 0, size: 0 };
    known.count += 1;
    known.size += key.length + value.length;
    found.set(name, known);
  }
  return [...found].map(([name, counted]) => ({ name, ...counted }))
    .sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
}

/** How the keys of the snapshot's cluster are split; undefined where the file does not tell. */
export function sealOf({ belowBarrier }: ReadSnapshot): SealConfig | undefined {
  const bytes = belowBarrier.get(SEAL_CONFIG_KEY);
  if (bytes === undefined) return undefined;
  try {
    return decodeSealConfig(SEAL_CONFIG_KEY, bytes);
  } catch (error) {
    // A seal of another program may be described otherwise.
    if (error instanceof CorruptionError) return undefined;
    throw error;
  }
}
