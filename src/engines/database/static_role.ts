/** What is kept of a static role: a user that was there before us, whose password we change. */
import { storedText, utf8 } from "../../base/bytes.ts";
import type { View } from "../../storage/transaction.ts";
import { moveDue, type Retry } from "./due.ts";
import type { RotationTimes } from "./rotation_times.ts";

export interface StaticRole extends RotationTimes {
  readonly dbName: string;
  readonly username: string;
  readonly rotateStatements: readonly string[];
  /** Its password stays as it is until its first time comes; absent for false. */
  readonly skipImportRotation?: boolean;
  /** "" until the first rotation has ended, where it was not given. */
  readonly password: string;
  /** A password that a rotation has set out to put in force, if one is under way or broke off. */
  readonly pendingPassword: string;
  /** Milliseconds since the epoch. */
  readonly lastRotation: number;
  /** When its password is to be changed next, milliseconds since the epoch. */
  readonly nextRotation: number;
  /** Absent while no rotation has failed. */
  readonly retry?: Retry;
  /** The time that it stands under in the order of rotations; kept by `saveStaticRole`. */
  readonly indexedAt?: number;
}

const prefix = "static-role/";
/** There once all roles stand in the order of rotations. */
const orderedMarker = "due-ordered";

export async function readStaticRole(storage: View, name: string): Promise<StaticRole | undefined> {
  const bytes = await storage.get(prefix + name);
  if (bytes === undefined) return undefined;
  const role: StaticRole = JSON.parse(storedText(bytes));
  return role;
}

/** Keeps a new role, or a changed one that was read before. */
export function saveStaticRole(storage: View, name: string, role: StaticRole): void {
  const brokeOff = role.pendingPassword !== "";
  const indexedAt = role.retry?.at ?? (brokeOff ? 0 : role.nextRotation);
  moveDue(storage, "static", name, role.indexedAt, indexedAt);
  storage.put(prefix + name, utf8(JSON.stringify({ ...role, indexedAt })));
}

export async function deleteStaticRole(storage: View, name: string): Promise<void> {
  const role = await readStaticRole(storage, name);
  storage.delete(prefix + name);
  moveDue(storage, "static", name, role?.indexedAt, undefined);
}

/** Names below the mount. A role that was never rotated is none yet. */
export async function listStaticRoles(storage: View): Promise<string[]> {
  return await storage.list(prefix);
}

/**
 * Puts roles that an older version has kept in the order of rotations, a page after the role `after`.
 * The last one of the page; undefined where all are.
 */
export async function orderOldRoles(
  storage: View,
  limit: number,
  after: string | undefined,
): Promise<string | undefined> {
  if (await storage.get(orderedMarker) !== undefined) return undefined;
  const names = await storage.list(prefix, { limit, ...(after === undefined ? {} : { after }) });
  for (const name of names) {
    const role = await readStaticRole(storage, name);
    if (role !== undefined && role.indexedAt === undefined) saveStaticRole(storage, name, role);
  }
  if (names.length < limit) storage.put(orderedMarker, utf8("1"));
  return names.length < limit ? undefined : names.at(-1);
}
