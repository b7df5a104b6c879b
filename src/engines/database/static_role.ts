/** What is kept of a static role: a user that was there before us, whose password we change. */
import { storedText, utf8 } from "../../base/bytes.ts";
import type { View } from "../../storage/transaction.ts";

export interface StaticRole {
  readonly dbName: string;
  readonly username: string;
  readonly rotateStatements: readonly string[];
  /** Seconds. */
  readonly rotationPeriod: number;
  /** "" until the first rotation has ended. */
  readonly password: string;
  /** A password that a rotation has set out to put in force, if one is under way or broke off. */
  readonly pendingPassword: string;
  /** Milliseconds since the epoch. */
  readonly lastRotation: number;
}

const prefix = "static-role/";

export async function readStaticRole(storage: View, name: string): Promise<StaticRole | undefined> {
  const bytes = await storage.get(prefix + name);
  if (bytes === undefined) return undefined;
  const role: StaticRole = JSON.parse(storedText(bytes));
  return role;
}

export function saveStaticRole(storage: View, name: string, role: StaticRole): void {
  storage.put(prefix + name, utf8(JSON.stringify(role)));
}

export function deleteStaticRole(storage: View, name: string): void {
  storage.delete(prefix + name);
}

/** Names below the mount. A role that was never rotated is none yet. */
export async function listStaticRoles(storage: View): Promise<string[]> {
  return await storage.list(prefix);
}

/** When its password is to be changed next, milliseconds since the epoch. */
export function nextRotation(role: StaticRole): number {
  return role.lastRotation + role.rotationPeriod * 1000;
}
