/** What is kept of a static role: a user that was there before us, whose password we change. */
import { storedText, utf8 } from "../../base/bytes.ts";
import { nextTime } from "./cron.ts";
import type { View } from "../../storage/transaction.ts";

export interface StaticRole {
  readonly dbName: string;
  readonly username: string;
  readonly rotateStatements: readonly string[];
  /** Seconds; 0 where a schedule tells when. */
  readonly rotationPeriod: number;
  /** In cron's notation, UTC; "" where there is a period. */
  readonly rotationSchedule: string;
  /** Seconds after a scheduled time in which it may still be made good; 0 for always. */
  readonly rotationWindow: number;
  /** "" until the first rotation has ended. */
  readonly password: string;
  /** A password that a rotation has set out to put in force, if one is under way or broke off. */
  readonly pendingPassword: string;
  /** Milliseconds since the epoch. */
  readonly lastRotation: number;
  /** When its password is to be changed next, milliseconds since the epoch. */
  readonly nextRotation: number;
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

/** When a password that was changed at `last` is to be changed next. Throws a 400. */
export async function rotationAfter(
  last: number,
  { rotationSchedule, rotationPeriod }: Pick<StaticRole, "rotationSchedule" | "rotationPeriod">,
): Promise<number> {
  if (rotationSchedule !== "") return await nextTime(rotationSchedule, last);
  return last + rotationPeriod * 1000;
}

/** Whether the window of a scheduled time is over. */
export function isMissed({ rotationWindow, nextRotation }: StaticRole, now: number): boolean {
  return rotationWindow > 0 && now > nextRotation + rotationWindow * 1000;
}
