/** How a PostgreSQL user goes when its role has no statements for that. */
import { claimUser } from "./claim.ts";
import type { Pool, Session } from "./pool.ts";

/** An identifier in double quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Schemas in which a user was granted something on what lies there, or on the schema itself. */
const grantedSchemas = `
  select distinct n.nspname as name from pg_namespace n
  where exists (select from aclexplode(n.nspacl) a where a.grantee = $1)
    or exists (select from pg_class c, aclexplode(c.relacl) a
      where c.relnamespace = n.oid and a.grantee = $1)
    or exists (select from pg_class c join pg_attribute t on t.attrelid = c.oid,
      aclexplode(t.attacl) a where c.relnamespace = n.oid and a.grantee = $1)
    or exists (select from pg_proc p, aclexplode(p.proacl) a
      where p.pronamespace = n.oid and a.grantee = $1)`;

/** Sessions of a user; ended only where we may, for an error would end the transaction. */
const endSessions = `
  select pg_terminate_backend(pid) from pg_stat_activity where usesysid = $1
  and (select rolsuper or pg_has_role(oid, 'pg_signal_backend', 'member')
       from pg_roles where rolname = current_user)`;

/** Undefined where there is no such user. */
export async function userId(session: Session, username: string): Promise<number | undefined> {
  const found = await session.query<{ oid: number }>(
    "select oid from pg_roles where rolname = $1",
    [username],
  );
  return found.rows[0]?.oid;
}

/**
 * Ends the login first, in a transaction of its own: what then fails (the user may own tables)
 * leaves nobody who can log in. Then its sessions, its privileges and the user.
 */
export async function dropUser(pool: Pool, username: string): Promise<void> {
  const user = quoteIdentifier(username);
  let oid: number | undefined;
  await pool.transaction(async (session) => {
    await claimUser(session, username);
    oid = await userId(session, username);
    if (oid !== undefined) await session.query(`alter role ${user} nologin`);
  });
  if (oid === undefined) return;
  await pool.transaction(async (session) => {
    await claimUser(session, username);
    // Somebody else may have been here meanwhile.
    if (await userId(session, username) !== oid) return;
    await session.query(endSessions, [oid]);
    const schemas = await session.query<{ name: string }>(grantedSchemas, [oid]);
    for (const { name } of schemas.rows) await revokeInSchema(session, name, user);
    const current = await session.query<{ name: string }>("select current_database() as name");
    const database = quoteIdentifier(current.rows[0]?.name ?? "");
    await session.query(`revoke all privileges on database ${database} from ${user}`);
    await session.query(`drop role if exists ${user}`);
  });
}

async function revokeInSchema(session: Session, name: string, user: string): Promise<void> {
  const schema = quoteIdentifier(name);
  for (const kind of ["tables", "sequences", "functions"]) {
    await session.query(`revoke all privileges on all ${kind} in schema ${schema} from ${user}`);
  }
  await session.query(`revoke all privileges on schema ${schema} from ${user}`);
}
