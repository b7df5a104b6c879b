/** A server that still works on what a node wanted that is gone: whose user ends must not come after that. */
import { assert, assertEquals } from "@std/assert";
import { databasePlugins } from "./backend.ts";
import type { Database } from "./plugin.ts";
import { TestMariadb } from "./testing/mariadb.ts";
import { TestPostgres } from "./testing/postgres.ts";
import { eventually } from "./testing/process.ts";

/** Two pools of one server, as a node has one that comes after a node that was killed. */
async function twice({ config }: TestPostgres | TestMariadb): Promise<[Database, Database]> {
  const plugin = databasePlugins.find(({ name }) => name === config.plugin_name);
  assert(plugin !== undefined);
  const settings = {
    details: { connection_url: String(config.connection_url) },
    username: String(config.username),
    passwords: [String(config.password)],
    privateKey: "",
  };
  return [await plugin.open(settings), await plugin.open(settings)];
}

async function check(
  server: TestPostgres | TestMariadb,
  creation: readonly string[],
  drop: string,
): Promise<void> {
  const [before, after] = await twice(server);
  try {
    for (const own of [true, false]) {
      const username = own ? "late_a" : "late_b";
      const values = { name: username, username, password: "pw" };
      const making = before.run("create", creation, values);
      await new Promise((resolve) => setTimeout(resolve, 300));
      let ended = false;
      const end = () => own ? after.run("revoke", [drop], values) : after.drop(username);
      // Its lease goes when this does not throw, and not before.
      const gone = await eventually(async () => {
        try {
          await end();
          return ended = true;
        } catch {
          return false;
        }
      });
      await making.catch(() => {});
      assertEquals([gone, ended, await server.users(username)], [true, true, 0]);
    }
  } finally {
    await Promise.all([before.close(), after.close()]);
    await server.server.remove();
  }
}

Deno.test("PostgreSQL: nobody is dropped while they are still being made", async () => {
  const server = await TestPostgres.start();
  if (server === undefined) return;
  const creation = [`create role "{{name}}"; select pg_sleep(2)`];
  await check(server, creation, `drop role if exists "{{name}}"`);
});

Deno.test("MariaDB: nobody is dropped before they are made", async () => {
  const server = await TestMariadb.start();
  if (server === undefined) return;
  const creation = ["do sleep(2); create user '{{name}}'@'%' identified by '{{password}}'"];
  await check(server, creation, "drop user if exists '{{name}}'@'%'");
});
