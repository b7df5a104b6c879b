/** Whose turn it is to make a MySQL user or to take it away. */
import { stillBusy } from "../plugin.ts";
import type { Session } from "./session.ts";

/** The lock's name; 64 signs are the most that it may have. */
const lock = "concat('holdfast-', sha1(?))";

/**
 * Has the user to itself until `releaseUser`, or until the session has ended: the server lets go then,
 * when it is done with what the session had asked for, be its client long gone. Throws `DatabaseFailure`.
 */
export async function claimUser(session: Session, username: string): Promise<void> {
  const [mine] = await session.find(`select get_lock(${lock}, 0)`, [username]);
  // Looking changes nothing.
  session.completed = 0;
  if (mine !== "1") throw stillBusy();
}

/** The session goes on to other users. */
export async function releaseUser(session: Session, username: string): Promise<void> {
  await session.find(`select release_lock(${lock})`, [username]);
}
