/** Whose turn it is to make a PostgreSQL user or to take it away. */
import { stillBusy } from "../plugin.ts";
import type { Session } from "./pool.ts";

/** Tells our locks from those of others in the database. */
const lockClass = 0x686f6c64;

/**
 * Has the user to itself until the transaction ends. The server lets go of that when it is done with
 * whatever the session before had asked for, be its client long gone. Throws `DatabaseFailure`.
 */
export async function claimUser(session: Session, username: string): Promise<void> {
  const { rows: [found] } = await session.query<{ mine: boolean }>(
    "select pg_try_advisory_xact_lock($1::int, hashtext($2)) as mine",
    [lockClass, username],
  );
  if (found?.mine !== true) throw stillBusy();
}
