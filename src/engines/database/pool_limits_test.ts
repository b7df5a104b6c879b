/** How many connections real servers see of us, how many of them idle, and for how long. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import { databasePlugins } from "./backend.ts";
import { poolLimits } from "./details.ts";
import type { Database } from "./plugin.ts";
import { TestMariadb } from "./testing/mariadb.ts";
import { TestPostgres } from "./testing/postgres.ts";
import { eventually } from "./testing/process.ts";

interface Kind {
  readonly server: TestPostgres | TestMariadb;
  readonly slow: string;
  /** The sessions of ours, as numbers. */
  ids(): Promise<string[]>;
}

async function open({ server }: Kind, details: Record<string, string>): Promise<Database> {
  const { config } = server;
  const plugin = databasePlugins.find(({ name }) => name === config.plugin_name);
  assert(plugin !== undefined);
  return await plugin.open({
    details: { connection_url: String(config.connection_url), ...details },
    username: String(config.username),
    passwords: [String(config.password)],
    privateKey: "",
  });
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function check(t: Deno.TestContext, kind: Kind): Promise<void> {
  const use = (database: Database) => database.run("renew", [kind.slow], {});
  const count = async (wanted: number) =>
    assert(await eventually(async () => (await kind.ids()).length === wanted), `not ${wanted}`);
  try {
    await t.step("no more are open at once than may be, and no more idle", async () => {
      const limits = { max_open_connections: "3", max_idle_connections: "2" };
      const database = await open(kind, limits);
      const all = Promise.all(Array.from({ length: 9 }, () => use(database)));
      let most = 0;
      let ended = false;
      void all.finally(() => ended = true);
      while (!ended) most = Math.max(most, (await kind.ids()).length);
      await all;
      assertEquals(most, 3);
      await count(2);
      await database.close();
      await count(0);
    });
    await t.step("less than none idle is none", async () => {
      const database = await open(kind, { max_idle_connections: "-1" });
      await count(0);
      await use(database);
      await count(0);
      await database.close();
    });
    await t.step("one that is too old is not used again", async () => {
      const database = await open(kind, { max_connection_lifetime: "1s" });
      await use(database);
      const before = await kind.ids();
      assertEquals(before.length, 1);
      await wait(1200);
      await use(database);
      const after = await kind.ids();
      assert(!after.some((id) => before.includes(id)), `${before} and then ${after}`);
      await database.close();
      const forEver = await open(kind, { max_connection_lifetime: "0" });
      await use(forEver);
      const kept = await kind.ids();
      await wait(1200);
      await use(forEver);
      assertEquals(await kind.ids(), kept);
      await forEver.close();
    });
  } finally {
    await kind.server.server.remove();
  }
}

function lines(text: string | undefined): string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}

Deno.test("PostgreSQL's connections are as many and as old as they may be", async (t) => {
  const server = await TestPostgres.start();
  if (server === undefined) return;
  const query = "select pid from pg_stat_activity where application_name = 'holdfast'";
  await check(t, {
    server,
    slow: "select pg_sleep(0.3)",
    ids: async () => lines(await server.asSuper(query)),
  });
});

Deno.test("MariaDB's connections are as many and as old as they may be", async (t) => {
  const server = await TestMariadb.start();
  if (server === undefined) return;
  const query = "select id from information_schema.processlist " +
    "where user = 'super' and id <> connection_id()";
  await check(t, {
    server,
    slow: "do sleep(0.3)",
    ids: async () => lines(await server.asSuper(query)),
  });
});

Deno.test("limits that are none are refused", () => {
  const wrong = { lifetime: "soon", open: "1.5", idle: "many" };
  const names = {
    lifetime: "max_connection_lifetime",
    open: "max_open_connections",
    idle: "max_idle_connections",
  };
  for (const kind of ["lifetime", "open", "idle"] as const) {
    assertThrows(() => poolLimits({ [names[kind]]: wrong[kind] }), Failure, names[kind]);
  }
  const of = (text: string) => poolLimits({ max_connection_lifetime: text }).lifetimeMs;
  assertEquals([of("90"), of("1m30s"), of("0s"), of("-1s")], [90_000, 90_000, Infinity, Infinity]);
});
