/** Connections without an account of their own: the users of static roles change their own passwords. */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../logical/json.ts";
import { databaseNode } from "./testing/node.ts";
import { TestPostgres } from "./testing/postgres.ts";
import { eventually, freePort } from "./testing/process.ts";
import { Proxy } from "./testing/proxy.ts";

Deno.test("PostgreSQL: users change their own passwords", async (t) => {
  const postgres = await TestPostgres.start();
  if (postgres === undefined) return;
  const kit = await databaseNode();
  const write = (path: string, data: JsonObject = {}) =>
    kit.status("update", `database/${path}`, { data });
  const { connection_url, plugin_name } = postgres.config;
  const connection = { plugin_name, connection_url, allowed_roles: "*", self_managed: true };
  const role = { db_name: "db", username: "app", rotation_period: "1h" };
  const stored = async () =>
    String((await kit.ask("read", "database/static-creds/app")).data?.password);
  const works = async (password: string) => await postgres.ask("app", password, "select 1") === "1";
  try {
    await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
    await postgres.asSuper("create role app login password 'first'");

    await t.step("a connection has no account, and is none of another kind", async () => {
      assertEquals(await write("config/db", { ...connection, username: "u" }), 400);
      assertEquals(await write("config/db", { ...connection, password: "p" }), 400);
      const plugin_name = "mysql-database-plugin";
      const connection_url = "{{username}}:{{password}}@tcp(127.0.0.1)/";
      assertEquals(await write("config/db", { ...connection, plugin_name, connection_url }), 400);
      assertEquals(await write("config/db", connection), 200);
      assertEquals(await write("rotate-root/db"), 400);
      assertEquals(await write("reset/db"), 200);
      await write("roles/r", { db_name: "db", creation_statements: "create role x" });
      assertEquals(await kit.status("read", "database/creds/r"), 400);
    });

    await t.step("a role needs its user's password, and the right one", async () => {
      assertEquals(await write("static-roles/app", role), 400);
      const wrong = { ...role, self_managed_password: "wrong" };
      assertEquals(await write("static-roles/app", wrong), 500);
      assertEquals(await kit.status("read", "database/static-roles/app"), 404);
      assertEquals(await works("first"), true);
    });

    await t.step("it is changed at once, when asked, and in its time", async () => {
      assertEquals(
        await write("static-roles/app", { ...role, self_managed_password: "first" }),
        200,
      );
      const one = await stored();
      assertEquals([await works("first"), await works(one)], [false, true]);
      assertEquals(await write("rotate-role/app"), 200);
      const two = await stored();
      assertEquals([await works(one), await works(two)], [false, true]);
      await kit.clock.advance(3_601_000);
      assert(await eventually(async () => await stored() !== two));
      assertEquals(await works(await stored()), true);
      const read = JSON.stringify(await kit.ask("read", "database/static-roles/app"));
      assert(!read.includes("first") && !read.includes(await stored()));
    });

    await t.step("a password that others have changed can be told", async () => {
      await postgres.asSuper("alter role app password 'theirs'");
      assertEquals(await write("rotate-role/app"), 500);
      assertEquals(await write("static-roles/app", { ...role, password: "theirs" }), 200);
      assertEquals(await write("rotate-role/app"), 200);
      assertEquals(await works(await stored()), true);
    });

    await t.step("a rotation that broke off is ended with whichever is in force", async () => {
      const before = await stored();
      const line = new Proxy(freePort(), postgres.port);
      const connection_url =
        `postgresql://{{username}}:{{password}}@127.0.0.1:${line.port}/postgres?sslmode=disable`;
      await write("config/db", { connection_url });
      line.onRequest = (text) => {
        if (text.includes("commit")) {
          line.onAnswer = () => {
            line.cut();
            return "lose";
          };
        }
        return "pass";
      };
      assertEquals(await write("rotate-role/app"), 500);
      line.close();
      assertEquals(await works(before), false);
      // Nobody answers for a while, which does not make the password any less the right one.
      await kit.clock.advance(60_000);
      await write("config/db", connection);
      await kit.clock.advance(660_000);
      assert(await eventually(async () => await works(await stored())));
    });

    await t.step("an imported role keeps its password until its time", async () => {
      await postgres.asSuper("create role later login password 'kept'");
      const data = { ...role, username: "later", password: "kept", skip_import_rotation: true };
      assertEquals(await write("static-roles/later", data), 200);
      const { data: read } = await kit.ask("read", "database/static-creds/later");
      assertEquals([read?.password, await postgres.ask("later", "kept", "select 1")], [
        "kept",
        "1",
      ]);
    });
  } finally {
    await kit.node.seal();
    await postgres.server.remove();
  }
});
