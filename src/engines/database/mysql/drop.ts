/** How a MySQL user goes when its role has no statements for that. */
import { isNotAllowed, isSessionGone, isUserGone } from "./errors.ts";
import type { Session } from "./session.ts";

/** A text between single quotes. */
export function quote(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("'", "''");
}

/** The hosts that a user was made for; undefined where we may not look. */
export async function hostsOf(session: Session, username: string): Promise<string[] | undefined> {
  try {
    return await session.find("select host from mysql.user where user = ?", [username]);
  } catch (error) {
    if (isNotAllowed(error)) return undefined;
    throw error;
  }
}

/**
 * Drops the user, which takes its privileges with it, for every host it was made for; then ends its
 * sessions, which outlive it otherwise.
 */
export async function dropUser(session: Session, username: string): Promise<void> {
  for (const host of await hostsOf(session, username) ?? ["%"]) {
    try {
      await session.run(`drop user '${quote(username)}'@'${quote(host)}'`);
    } catch (error) {
      if (!isUserGone(error)) throw error;
    }
  }
  const sessions = "select id from information_schema.processlist where user = ?";
  for (const id of await session.find(sessions, [username])) await endSession(session, id);
}

/** Done where we may: the login is gone in any case. */
async function endSession(session: Session, id: string): Promise<void> {
  try {
    await session.run(`kill ${Number(id)}`);
  } catch (error) {
    if (!isSessionGone(error) && !isNotAllowed(error)) throw error;
  }
}
