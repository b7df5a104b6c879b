/**
 * What `sys/raw` has changed, so that it can be taken back. A change and its record are one batch, and
 * lie behind the barrier: there is none without the other, and no second place that holds secrets.
 */
import { type Bytes, fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import type { CryptoProvider } from "../../crypto/provider.ts";
import { CorruptionError } from "../../storage/storage.ts";
import type { View } from "../../storage/transaction.ts";

const root = "core/raw-undo/";

/** Changes that are remembered. */
const KEPT = 50;

export interface Change {
  readonly key: string;
  readonly operation: "write" | "delete";
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Whether there was something before that could be read, and its bytes. */
  readonly existed: boolean;
  readonly bytes: number;
  /** SHA-256 of what the change left there, hexadecimal; "" where it deleted. */
  readonly left: string;
}

export interface UndoParts {
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
}

const recordKey = (id: string) => `${root}${id}/change`;
const valueKey = (id: string) => `${root}${id}/value`;

/** Ids of changes, the oldest first. */
async function changeIds(storage: View): Promise<string[]> {
  return (await storage.list(root)).map((name) => name.replace(/\/$/, ""));
}

/** The remembered changes, the newest first. */
export async function changes(storage: View): Promise<Change[]> {
  const found: Change[] = [];
  for (const id of (await changeIds(storage)).reverse()) {
    const change = await readChange(storage, id);
    if (change !== undefined) found.push(change);
  }
  return found;
}

async function readChange(storage: View, id: string): Promise<Change | undefined> {
  const bytes = await storage.get(recordKey(id));
  if (bytes === undefined) return undefined;
  const change: Change = JSON.parse(fromUtf8(bytes));
  return change;
}

/** Makes a change (null deletes) and remembers what was there. Records are themselves not remembered. */
export async function changeEntry(
  storage: View,
  key: string,
  value: Bytes | null,
  { clock, crypto }: UndoParts,
): Promise<void> {
  if (!key.startsWith(root)) {
    const before = await storedBefore(storage, key);
    const ids = await changeIds(storage);
    for (const old of ids.slice(0, Math.max(0, ids.length + 1 - KEPT))) forget(storage, old);
    const id = String(Number(ids.at(-1) ?? 0) + 1).padStart(12, "0");
    const change: Change = {
      key,
      operation: value === null ? "delete" : "write",
      at: clock.now(),
      existed: before !== undefined,
      bytes: before?.length ?? 0,
      left: value === null ? "" : toHex(crypto.hash("sha256", value)),
    };
    storage.put(recordKey(id), utf8(JSON.stringify(change)));
    if (before !== undefined) storage.put(valueKey(id), before);
  }
  if (value === null) storage.delete(key);
  else storage.put(key, value);
}

/** What does not open can't come back; replacing it must be possible all the same. */
async function storedBefore(storage: View, key: string): Promise<Bytes | undefined> {
  try {
    return await storage.get(key);
  } catch (error) {
    if (error instanceof CorruptionError) return undefined;
    throw error;
  }
}

function forget(storage: View, id: string): void {
  storage.delete(recordKey(id));
  storage.delete(valueKey(id));
}

/** Forgets all changes and the values that they replaced. Returns how many there were. */
export async function forgetChanges(storage: View): Promise<number> {
  const ids = await changeIds(storage);
  for (const id of ids) forget(storage, id);
  return ids.length;
}

/**
 * Takes the newest change back and forgets it. Throws a 404 where there is none, and a 400 where the
 * entry has changed since, unless `force` says that this does not matter.
 */
export async function undoChange(
  storage: View,
  force: boolean,
  { crypto }: UndoParts,
): Promise<Change> {
  const id = (await changeIds(storage)).at(-1);
  const change = id === undefined ? undefined : await readChange(storage, id);
  if (id === undefined || change === undefined) throw notFound("there is no change to take back");
  const now = await storedBefore(storage, change.key);
  const left = now === undefined ? "" : toHex(crypto.hash("sha256", now));
  if (left !== change.left && !force) {
    throw badRequest(
      `${change.key} has been changed by something else since; force takes that back as well`,
    );
  }
  const before = await storage.get(valueKey(id));
  if (change.existed && before !== undefined) storage.put(change.key, before);
  else storage.delete(change.key);
  forget(storage, id);
  return change;
}
