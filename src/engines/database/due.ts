/** What a mount has to rotate, in storage, in the order of time: nothing looks through all of it. */
import { backOffMs } from "../../base/back_off.ts";
import { timeKey } from "../../base/time_key.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import type { View } from "../../storage/transaction.ts";

/** A static role's password, or a connection's own. */
export type RotationKind = "static" | "root";

const folder = "due/";

/** Tells when to try again, after a rotation that failed. */
export interface Retry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Tries that have failed. */
  readonly count: number;
}

const retries = { firstMs: 10_000, longestMs: 600_000 };

/** The next try after one that failed at `now`. */
export function nextRetry(now: number, before: Retry | undefined): Retry {
  const count = (before?.count ?? 0) + 1;
  return { at: now + backOffMs(count, retries), count };
}

export interface Due {
  readonly kind: RotationKind;
  readonly name: string;
  /** Where it stands, for the page after it. */
  readonly key: string;
}

/** Moves a rotation from one time to another; undefined for none. */
export function moveDue(
  storage: View,
  kind: RotationKind,
  name: string,
  before: number | undefined,
  after: number | undefined,
): void {
  const key = (time: number) => `${folder}${timeKey(time)}/${kind}/${name}`;
  if (before !== undefined && before !== after) storage.delete(key(before));
  if (after !== undefined) storage.put(key(after), utf8(kind));
}

/** What is due at `now`, soonest first, at most `limit`, after the key of another. */
export async function dueRotations(
  storage: View,
  now: number,
  limit: number,
  after?: string,
): Promise<Due[]> {
  const page = await storage.scan(folder, {
    before: folder + timeKey(now + 1),
    limit,
    ...(after === undefined ? {} : { after }),
  });
  return page.map(({ key, value }) => {
    const kind: RotationKind = fromUtf8(value) === "root" ? "root" : "static";
    return { kind, name: key.slice(key.indexOf(`/${kind}/`) + kind.length + 2), key };
  });
}

/** When the first is due after `now`, milliseconds since the epoch; Infinity where none is. */
export async function nextDueTime(storage: View, now: number): Promise<number> {
  const [first] = await storage.scan(folder, { limit: 1, after: folder + timeKey(now + 1) });
  return first === undefined ? Infinity : Number(first.key.slice(folder.length).split("/")[0]);
}
