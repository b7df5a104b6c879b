/** A database that does not answer holds up nobody but its own users' end, which comes with it. */
import { assert, assertEquals } from "@std/assert";
import { settle } from "../../core/testing/kit.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import { DatabaseFailure } from "./plugin.ts";
import { databaseNode } from "./testing/node.ts";
import { TestPostgres } from "./testing/postgres.ts";
import { eventually, freePort } from "./testing/process.ts";
import { Proxy } from "./testing/proxy.ts";
import { irrevocable, noAnswer, twoDatabases, users } from "./testing/two_databases.ts";

const hour = 3_600_000;

Deno.test("while a database hangs, tokens and others' users end in time, and requests go on", async () => {
  const { kit, live, dead } = await twoDatabases();
  await users(kit, "dead", 20);
  await users(kit, "live", 20);
  const token = await kit.token({ ttl: "1h" });
  const hang = Promise.withResolvers<void>();
  let hanging = 0;
  dead.beforeDrop = () => {
    hanging++;
    return hang.promise;
  };
  await kit.clock.advance(hour + 1000);
  await settle();
  assertEquals([live.users.size, dead.users.size], [0, 20]);
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
  assert(hanging <= 4, `${hanging} at a time`);
  await users(kit, "live", 1);
  await kit.clock.advance(hour + 1000);
  assertEquals(live.users.size, 0, "and later ones as well");
  dead.beforeDrop = () => Promise.reject(noAnswer);
  hang.reject(noAnswer);
  await settle();
  dead.beforeDrop = () => Promise.resolve();
  await kit.clock.advance(61_000);
  assertEquals(dead.users.size, 0);
  await kit.node.seal();
});

Deno.test("a pool that is open and gets no answers is tried ever less often, for ever", async () => {
  const { kit, dead } = await twoDatabases();
  await users(kit, "dead", 50);
  let tries = 0;
  dead.beforeDrop = () => {
    tries++;
    return Promise.reject(noAnswer);
  };
  await kit.clock.advance(hour + 120_000);
  assertEquals(dead.users.size, 50);
  assert(tries < 15, `${tries} in two minutes`);
  assertEquals(await irrevocable(kit), 50, "those that were not tried are listed too");
  const { gauges } = await kit.node.services.telemetry.registry.look();
  const waiting = gauges.filter(({ name }) => name === "expire.job_manager.queue_length");
  assertEquals(waiting.map(({ value }) => value), [0, 50], "tokens, and the dead database's");
  const list = await kit.ask("read", "sys/leases", { data: { type: "irrevocable" } });
  assert(JSON.stringify(list.data).includes("no answer"), "with the reason");
  const before = tries;
  await kit.clock.advance(10 * hour);
  assert(tries - before >= 590 && tries - before <= 610, `${tries - before} in ten hours`);
  dead.beforeDrop = () => Promise.resolve();
  await kit.clock.advance(61_000);
  assertEquals([dead.users.size, await irrevocable(kit)], [0, 0]);
  await kit.node.seal();
});

Deno.test("a user whom its database refuses to drop holds up no other of that database", async () => {
  const { kit, live } = await twoDatabases();
  await users(kit, "live", 20);
  const [stubborn] = live.users;
  let refuses = true;
  live.beforeDrop = (name) =>
    refuses && name === stubborn
      ? Promise.reject(new DatabaseFailure("owns tables", true))
      : Promise.resolve();
  await kit.clock.advance(hour + 1000);
  assertEquals([...live.users], [stubborn]);
  assertEquals(await irrevocable(kit), 1);
  refuses = false;
  await kit.clock.advance(60_000);
  assertEquals(live.users.size, 0);
  await kit.node.seal();
});

Deno.test("a lease that could not be revoked can't be renewed", async () => {
  const { kit, dead } = await twoDatabases();
  const { lease } = await kit.ask("read", "database/creds/dead");
  dead.beforeDrop = () => Promise.reject(new DatabaseFailure("owns tables", true));
  await kit.clock.advance(hour + 1000);
  const data = { lease_id: lease?.id ?? "" };
  assertEquals(await kit.status("update", "sys/leases/renew", { data }), 400);
  await kit.node.seal();
});

Deno.test("what waits for a database goes on after a restart", async () => {
  const physical = new InmemStorage();
  const { kit, live, dead } = await twoDatabases(undefined, undefined, physical);
  await users(kit, "dead", 200);
  dead.beforeDrop = () => Promise.reject(noAnswer);
  await kit.clock.advance(hour + 30_000);
  await kit.node.seal();
  assertEquals(dead.users.size, 200);
  dead.beforeDrop = () => Promise.resolve();
  await kit.start();
  await kit.clock.advance(1000);
  assert(await eventually(() => Promise.resolve(dead.users.size === 0)), `${dead.users.size} left`);
  assertEquals(live.users.size, 0);
  await kit.node.seal();
});

Deno.test("a node seals in time though a database hangs, and ends its users at the next unseal", async () => {
  const { kit, dead } = await twoDatabases();
  await users(kit, "dead", 10);
  const hang = Promise.withResolvers<void>();
  dead.beforeDrop = () => hang.promise;
  await kit.clock.advance(hour + 1000);
  let isSealed = false;
  const sealed = kit.node.seal().then(() => isSealed = true);
  for (let seconds = 0; seconds < 12; seconds++) await kit.clock.advance(1000);
  assert(isSealed);
  await sealed;
  hang.reject(noAnswer);
  await settle();
  assertEquals(dead.users.size, 10);
  dead.beforeDrop = () => Promise.resolve();
  await kit.start();
  await kit.clock.advance(1000);
  assert(await eventually(() => Promise.resolve(dead.users.size === 0)), `${dead.users.size} left`);
  await kit.node.seal();
});

Deno.test("a real server behind a line that swallows everything", async () => {
  const server = await TestPostgres.start();
  if (server === undefined) return;
  const proxy = new Proxy(freePort(), server.port);
  const kit = await databaseNode();
  try {
    await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
    const connect = (name: string, port: number, more = "") => {
      const connection_url =
        `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable${more}`;
      const data = { ...server.config, connection_url };
      return kit.ask("update", `database/config/${name}`, { data });
    };
    await connect("live", server.port);
    await connect("dead", proxy.port, "&connect_timeout=1");
    const creation_statements = `create role "{{name}}" login password '{{password}}'`;
    for (const db_name of ["live", "dead"]) {
      const data = { db_name, creation_statements, default_ttl: "1h" };
      await kit.ask("update", `database/roles/${db_name}`, { data });
    }
    await users(kit, "dead", 10);
    await users(kit, "live", 10);
    const count = async (role: string) =>
      Number(
        await server.asSuper(`select count(*) from pg_roles where rolname like 'v-%-${role}-%'`),
      );
    assertEquals([await count("live"), await count("dead")], [10, 10]);
    proxy.silent = true;
    proxy.cut();
    await kit.clock.advance(hour + 1000);
    assert(await eventually(async () => await count("live") === 0), "the live one's are gone");
    assertEquals(await count("dead"), 10);
    proxy.silent = false;
    assert(
      await eventually(async () => {
        await kit.clock.advance(61_000);
        return await count("dead") === 0;
      }),
      "and the dead one's when it answers",
    );
  } finally {
    await kit.node.seal();
    proxy.close();
    await server.server.remove();
  }
});

Deno.test("a line that breaks in the middle of a statement breaks nothing but that", async () => {
  const server = await TestPostgres.start();
  if (server === undefined) return;
  const proxy = new Proxy(freePort(), server.port);
  const kit = await databaseNode();
  try {
    await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
    const connection_url =
      `postgresql://{{username}}:{{password}}@127.0.0.1:${proxy.port}/postgres?sslmode=disable`;
    await kit.ask("update", "database/config/db", { data: { ...server.config, connection_url } });
    const creation_statements = `create role "{{name}}" login password '{{password}}'`;
    const data = { db_name: "db", creation_statements, default_ttl: "1h" };
    await kit.ask("update", "database/roles/r", { data });
    for (const what of ["begin", "create role", "commit"]) {
      proxy.onRequest = (text) => {
        if (!text.includes(what)) return "pass";
        proxy.onRequest = () => "pass";
        // The server may have it already, or not yet.
        queueMicrotask(() => proxy.cut());
        return "pass";
      };
      assertEquals(await kit.status("read", "database/creds/r"), 500, what);
    }
    await kit.clock.advance(61_000);
    assertEquals(await kit.status("read", "database/creds/r"), 200);
    const users = () =>
      server.asSuper("select count(*) from pg_roles where rolname like 'v-%-r-%'");
    assert(await eventually(async () => await users() === "1"), `${await users()} users`);
  } finally {
    await kit.node.seal();
    proxy.close();
    await server.server.remove();
  }
});
