/** Whatever fails between us and a database, no user is left without a lease. */
import { assertEquals } from "@std/assert";
import { type NodeKit, settle } from "../../core/testing/kit.ts";
import { Failure } from "../../base/failure.ts";
import { DatabaseFailure, type DatabasePlugin } from "./plugin.ts";
import { postgres } from "./postgres/plugin.ts";
import { FakeDatabase } from "./testing/fake_database.ts";
import { databaseNode } from "./testing/node.ts";
import { leases as leasesOf } from "./testing/users.ts";

async function start(fake: FakeDatabase): Promise<NodeKit> {
  const plugin: DatabasePlugin = {
    ...postgres,
    open() {
      fake.opened++;
      if (!fake.reachable) return Promise.reject(new DatabaseFailure("no answer", true, true));
      return Promise.resolve(fake);
    },
  };
  const kit = await databaseNode({ plugins: [plugin] });
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  const connection_url = "postgres://{{username}}:{{password}}@127.0.0.1/db";
  const config = { plugin_name: plugin.name, connection_url, allowed_roles: "*", username: "u" };
  await kit.ask("update", "database/config/pg", { data: config });
  const role = { db_name: "pg", creation_statements: "create", default_ttl: "1h" };
  await kit.ask("update", "database/roles/r", { data: role });
  return kit;
}

async function leases(kit: NodeKit): Promise<number> {
  return (await leasesOf(kit, "r")).length;
}

const creds = (kit: NodeKit, token?: string) =>
  kit.status("read", "database/creds/r", token === undefined ? {} : { token });

Deno.test("a user that surely was not made leaves no lease", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  fake.failure = new DatabaseFailure("syntax error", true);
  assertEquals(await creds(kit), 500);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});

Deno.test("one that may have been made is dropped before its lease goes", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  fake.failure = new DatabaseFailure("connection lost", false);
  assertEquals(await creds(kit), 500);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
  fake.dropFails = true;
  assertEquals(await creds(kit), 500);
  assertEquals([fake.users.size, await leases(kit)], [1, 1]);
  fake.dropFails = false;
  await kit.clock.advance(60_000);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});

Deno.test("a token revoked while its user is being made takes the user with it", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const token = await kit.token({ policies: ["root"] });
  fake.during = async () => {
    await kit.ask("update", "auth/token/revoke", { data: { token } });
  };
  assertEquals(await creds(kit, token), 500);
  await kit.clock.advance(60_000);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});

Deno.test("one that came after the end of its lease is dropped when its database lets it go", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  fake.during = async () => {
    // As another node has taken it back meanwhile, to which this one was still to come.
    const { transactions, leases: store } = kit.node.services;
    await transactions.run(async (transaction) => {
      for (const lease of await store.page(transaction, "database/", undefined, 10)) {
        store.remove(transaction, lease);
      }
    });
  };
  fake.dropFails = true;
  assertEquals(await creds(kit), 500);
  assertEquals(fake.users.size, 1);
  fake.dropFails = false;
  await kit.clock.advance(120_000);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});

Deno.test("one that is made while its node ceases to be the active one is not handed out", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  fake.during = () => {
    const deposed = () => Promise.reject(new Failure(503, "this node is not active any more"));
    Reflect.set(kit.node.services, "confirmActive", deposed);
    return Promise.resolve();
  };
  assertEquals(await creds(kit), 500);
  assertEquals(
    [fake.users.size, await leases(kit)],
    [0, 1],
    "its lease is for who is active to end",
  );
});

Deno.test("one whose creation fails while it is being revoked keeps nobody waiting", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const token = await kit.token({ policies: ["root"] });
  fake.during = async () => {
    await kit.ask("update", "auth/token/revoke", { data: { token } });
    await settle();
  };
  fake.failure = new DatabaseFailure("connection lost", false);
  assertEquals(await creds(kit, token), 500);
  fake.failure = undefined;
  await kit.clock.advance(60_000);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});

Deno.test("a database that does not answer is tried once for many leases, not once for each", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  for (let i = 0; i < 20; i++) assertEquals(await creds(kit), 200);
  await kit.ask("update", "database/config/pg", { data: { verify_connection: false } });
  fake.reachable = false;
  fake.opened = 0;
  await kit.clock.advance(3_600_000);
  assertEquals([fake.users.size, await leases(kit)], [20, 20]);
  assertEquals(fake.opened < 4, true, `opened ${fake.opened} times`);
  fake.reachable = true;
  await kit.clock.advance(3_600_000);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});

Deno.test("the last use of a token gets no user that would outlive it", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const token = await kit.token({ policies: ["root"], num_uses: 2 });
  assertEquals(await creds(kit, token), 200);
  assertEquals(await creds(kit, token), 400);
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
  await kit.clock.advance(1000);
  assertEquals([fake.users.size, await leases(kit)], [0, 0]);
});
