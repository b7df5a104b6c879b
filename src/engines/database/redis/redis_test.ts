/** Users of a real Valkey or Redis. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../base/failure.ts";
import type { JsonObject } from "../../../logical/json.ts";
import { databaseNode } from "../testing/node.ts";
import { keepsThem } from "../testing/promises.ts";
import { TestRedis } from "../testing/redis.ts";

keepsThem("users of a real Valkey or Redis", () => TestRedis.start());

Deno.test("what is special in Valkey and Redis", async (t) => {
  const database = await TestRedis.start();
  if (database === undefined) return;
  const kit = await databaseNode();
  const connect = (data: JsonObject) =>
    kit.ask("update", "database/config/db", { data: { ...database.config, ...data } });
  const addRole = (data: JsonObject) =>
    kit.ask("update", "database/roles/r", { data: { db_name: "db", default_ttl: "1h", ...data } });
  const refused = async (data: JsonObject, why: RegExp) => {
    const error = await assertRejects(() => connect(data), Failure);
    assertEquals(error.status, 400);
    assert(why.test(error.message), error.message);
  };
  try {
    await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
    await t.step("settings that can't be right are refused", async () => {
      await refused({ host: "" }, /^host cannot be empty$/);
      await refused({ port: "many" }, /^port must be a whole number$/);
      await refused({ port: 70000 }, /^port must be between/);
      await refused({ persistence_mode: "maybe" }, /^persistence_mode can be/);
      await refused({ tls: true, ca_cert: "nonsense" }, /^ca_cert holds no certificate/);
    });

    await t.step("TLS is verified, or not where that was asked for", async () => {
      const { ca, otherCa } = database.certificates;
      const tls = { tls: true, port: database.tlsPort };
      assertEquals((await connect({ ...tls, ca_cert: ca })).warnings, undefined);
      await refused({ ...tls, ca_cert: otherCa }, /certificate/);
      await refused({ ...tls, ca_cert: ca, host: "localhost" }, /altnames/);
      await connect({ ...tls, ca_cert: otherCa, insecure_tls: true });
    });

    await t.step("a role without rules may read", async () => {
      await connect({ tls: false, port: database.port, ca_cert: "" });
      await addRole({ creation_statements: "" });
      const { data } = await kit.ask("read", "database/creds/r");
      const ask = (...command: string[]) =>
        database.ask(String(data?.username), String(data?.password), ...command);
      assertEquals([await ask("get", "x"), await ask("set", "x", "y")], ["", undefined]);
    });

    await t.step("a user that was there is neither changed nor dropped", async () => {
      await connect({ username_template: "limited" });
      assertEquals(await kit.status("read", "database/creds/r"), 500);
      assertEquals(await database.ask("limited", "limitedpw", "ping"), "PONG");
    });

    await t.step(
      "where users are kept, they survive a restart and go with their lease",
      async () => {
        await connect({ username_template: "kept", persistence_mode: "ACLFILE" });
        const { data, lease } = await kit.ask("read", "database/creds/r");
        await database.server.stop("SIGKILL");
        await database.server.start();
        const login = () => database.login("kept", String(data?.password));
        assertEquals(await login(), true);
        const ended = { lease_id: lease?.id ?? "", sync: true };
        await kit.ask("update", "sys/leases/revoke", { data: ended });
        await database.server.stop("SIGKILL");
        await database.server.start();
        assertEquals([await login(), await database.users("kept")], [false, 0]);
      },
    );

    await t.step("a connection that is too old is not used again", async () => {
      await connect({ username_template: "", max_connection_lifetime: "1s" });
      await addRole({ creation_statements: "" });
      const ids = async () => {
        await kit.ask("read", "database/creds/r");
        const list = await database.asSuper("client", "list") ?? "";
        const ours = list.split("\n").filter((line) => /cmd=acl.* user=super /.test(line));
        return ours.map((line) => line.split(" ")[0]);
      };
      const before = await ids();
      assertEquals([before.length, await ids()], [1, before]);
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const after = await ids();
      assertEquals(after.length, 1);
      assert(after[0] !== before[0], `${before} and then ${after}`);
    });

    await t.step("a user that can't be kept is not left behind", async () => {
      // The configuration was read from a file, but this user may not rewrite it.
      const limited = { username: "limited", password: "limitedpw" };
      await connect({ ...limited, username_template: "unkept", persistence_mode: "REWRITE" });
      assertEquals(await kit.status("read", "database/creds/r"), 500);
      assertEquals(await database.users("unkept"), 0);
    });
  } finally {
    await kit.node.seal();
    await database.server.remove();
  }
});
