/** A node with connections to two databases in memory, of which a test lets one misbehave. */
import type { NodeKit } from "../../../core/testing/kit.ts";
import { InmemStorage } from "../../../storage/inmem.ts";
import { DatabaseFailure, type DatabasePlugin } from "../plugin.ts";
import { postgres } from "../postgres/plugin.ts";
import { FakeDatabase } from "./fake_database.ts";
import { databaseNode } from "./node.ts";

export const noAnswer = new DatabaseFailure("no answer", true, true);

export interface TwoDatabases {
  readonly kit: NodeKit;
  readonly live: FakeDatabase;
  readonly dead: FakeDatabase;
}

/** A node with two connections, to two databases. */
export async function twoDatabases(
  live = new FakeDatabase(),
  dead = new FakeDatabase(),
  physical = new InmemStorage(),
): Promise<TwoDatabases> {
  const plugin: DatabasePlugin = {
    ...postgres,
    open: ({ details }) => Promise.resolve(details.connection_url?.endsWith("/dead") ? dead : live),
  };
  const kit = await databaseNode({ physical, plugins: [plugin] });
  if (await kit.status("read", "database/config/live") === 200) return { kit, live, dead };
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  for (const name of ["live", "dead"]) {
    const connection_url = `postgres://{{username}}:{{password}}@127.0.0.1/${name}`;
    const config = { plugin_name: plugin.name, connection_url, allowed_roles: "*", username: "u" };
    await kit.ask("update", `database/config/${name}`, { data: config });
    const role = { db_name: name, creation_statements: "create", default_ttl: "1h" };
    await kit.ask("update", `database/roles/${name}`, { data: role });
  }
  return { kit, live, dead };
}

/** Gives out so many users of a database. */
export async function users(kit: NodeKit, name: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await kit.ask("read", `database/creds/${name}`);
}

/** How many leases are listed as irrevocable. */
export async function irrevocable(kit: NodeKit): Promise<unknown> {
  return (await kit.ask("read", "sys/leases/count", { data: { type: "irrevocable" } })).data
    ?.lease_count;
}
