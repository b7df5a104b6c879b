/**
 * Looks at a file before Deno KV does. Its worker thread looks for expired rows right after the
 * opening and panics, ending the process, where SQLite says that the file is malformed
 * (denokv_sqlite 0.14, "KV collect expired failed"). The same statements are asked here first, over
 * the same pages, where a failure is an error that can be caught. They cost a tenth of a
 * millisecond, whatever the size of the file.
 */
import { DatabaseSync } from "node:sqlite";

const STATEMENTS = [
  "select version from migration_state where k = 0",
  "select version from data_version where k = 0",
  "select k from kv where expiration_ms >= 0 order by expiration_ms limit 1",
  "select ts from queue order by ts limit 1",
  "select id from queue_running order by deadline limit 1",
];

/** Throws what SQLite says where a Deno KV file can't be read. One that is not there is fine. */
export function probeSqlite(path: string): void {
  if (!isThere(path)) return;
  const database = new DatabaseSync(path);
  try {
    const last = database.prepare("select 1 from sqlite_master where name = ?");
    // The process died while the file was being made. Deno KV goes on where it was.
    if (last.get("kv_expiration_ms_idx") === undefined) return;
    for (const statement of STATEMENTS) database.prepare(statement).get();
  } finally {
    database.close();
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
