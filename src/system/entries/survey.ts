/** Looks at everything that is stored, and at the mount tables as a whole. */
import { isBelowBarrier } from "../../barrier/physical.ts";
import type { Bytes } from "../../base/bytes.ts";
import { describeError } from "../../base/failure.ts";
import { isJsonObject } from "../../logical/json.ts";
import { CorruptionError, type Entry, type Storage } from "../../storage/storage.ts";
import type { View } from "../../storage/transaction.ts";
import { type Inspected, inspectEntry, inspectUnopened } from "./inspect.ts";
import type { KnownTypes } from "./kinds.ts";

/** Something that could not be read. */
export interface Damage {
  readonly key: string;
  readonly type: string;
  readonly problem: string;
  /** A node does not start with it. */
  readonly isNeeded: boolean;
}

export interface Survey {
  readonly entries: number;
  /** Those that keep a node from starting first; at most `DAMAGES_MAX`. */
  readonly damages: readonly Damage[];
  /** As many as there are. */
  readonly damaged: number;
}

/** Damages that are told one by one. */
const DAMAGES_MAX = 100;
const PAGE = 500;

interface Unopened {
  readonly key: string;
  readonly reason: string;
}

/** Opens what lies above the barrier one by one, so that one that does not open hides no other. */
export async function* plainEntries(
  physical: Pick<Storage, "scan">,
  decrypt: (key: string, frame: Bytes) => Bytes,
): AsyncGenerator<Entry | Unopened> {
  let after: string | undefined;
  for (;;) {
    const page = await physical.scan("", {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const { key, value } of page) {
      if (isBelowBarrier(key)) continue;
      try {
        yield { key, value: decrypt(key, value) };
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        yield { key, reason: describeError(error) };
      }
    }
    if (page.length < PAGE) return;
    after = page.at(-1)?.key;
  }
}

/** `storage` is asked for the mounts that entries belong to. */
export async function survey(
  all: AsyncIterable<Entry | Unopened>,
  storage: Pick<View, "get">,
  known: KnownTypes,
): Promise<Survey> {
  const needed: Damage[] = [];
  const others: Damage[] = [];
  const paths = new Map<string, string>();
  let entries = 0;
  let damaged = 0;
  for await (const entry of all) {
    entries += 1;
    const { key } = entry;
    const found = "reason" in entry
      ? inspectUnopened(key, entry.reason)
      : await inspectEntry(storage, key, entry.value, known);
    const problem = found.problem === "" ? samePath(paths, key, found) : found.problem;
    if (problem === "") continue;
    damaged += 1;
    const list = found.isNeeded ? needed : others;
    if (list.length < DAMAGES_MAX) {
      list.push({ key, type: found.type, problem, isNeeded: found.isNeeded });
    }
  }
  return { entries, damaged, damages: [...needed, ...others].slice(0, DAMAGES_MAX) };
}

/** Two mounts at one path: only one of them answers. "" where it is the first. */
function samePath(paths: Map<string, string>, key: string, { decoded }: Inspected): string {
  if (!/^core\/(?:mounts|auth)\/[^/]+$/.test(key) || !isJsonObject(decoded)) return "";
  const path = `${String(decoded.table)} ${String(decoded.path)}`;
  const other = paths.get(path);
  if (other === undefined) paths.set(path, key);
  return other === undefined ? "" : `${other} is at the same path`;
}
