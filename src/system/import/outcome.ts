/** What an item would change, and what becomes of it. */
import { describeError, Failure } from "../../base/failure.ts";
import { sameBytes } from "../../base/bytes.ts";
import { Draft } from "../../storage/draft.ts";
import type { Transaction } from "../../storage/transaction.ts";

export type Status = "imported" | "unchanged" | "replaced" | "conflict" | "refused";

/** The reason stands with what was refused, and wherever else a word helps. */
export interface Outcome {
  readonly status: Status;
  readonly reason?: string;
}

/** Thrown by an item's way in where something else is there, whatever its bytes. */
export class Occupied extends Error {
  override name = "Occupied";
}

/**
 * Runs `put` in a draft and takes the draft over where nothing that is there would change, or where
 * changes are wanted. What `put` refuses changes nothing.
 */
export async function outcomeOf(
  outer: Transaction,
  overwrite: boolean,
  put: (draft: Draft) => Promise<string | void>,
): Promise<Outcome> {
  const draft = new Draft(outer);
  let note: string | void;
  try {
    note = await put(draft);
  } catch (error) {
    if (error instanceof Occupied) return { status: "conflict", reason: error.message };
    if (error instanceof Failure && error.status < 500) {
      return { status: "refused", reason: describeError(error) };
    }
    throw error;
  } finally {
    draft.end();
  }
  const { changes, additions } = await difference(outer, draft);
  if (changes === 0 && additions === 0) {
    return { status: "unchanged", ...(note === undefined ? {} : { reason: note }) };
  }
  if (changes > 0 && !overwrite) return { status: "conflict" };
  draft.takeOver();
  return { status: changes > 0 ? "replaced" : "imported" };
}

/** Keys that the draft changes, and keys that it adds. */
async function difference(outer: Transaction, draft: Draft) {
  let changes = 0, additions = 0;
  for (const { key, value } of draft.writes) {
    if (bookkeeping.has(key)) continue;
    const before = await outer.get(key);
    if (before === undefined) additions += value === null ? 0 : 1;
    else if (value === null || !sameBytes(before, value)) changes++;
  }
  return { changes, additions };
}

/** Changes with any change of the mount tables, and is nobody's content. */
const bookkeeping: ReadonlySet<string> = new Set(["core/mounts-revision"]);
