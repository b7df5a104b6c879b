/** A batch token has no entry of its own: its leases end with its parent, and with its time. */
import { assertEquals } from "@std/assert";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { DatabasePlugin } from "./plugin.ts";
import { postgres } from "./postgres/plugin.ts";
import { FakeDatabase } from "./testing/fake_database.ts";
import { databaseNode } from "./testing/node.ts";
import { leases, newUser } from "./testing/users.ts";

async function start(fake: FakeDatabase): Promise<NodeKit> {
  const plugin: DatabasePlugin = { ...postgres, open: () => Promise.resolve(fake) };
  const kit = await databaseNode({ plugins: [plugin] });
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  const connection_url = "postgres://{{username}}:{{password}}@127.0.0.1/db";
  const config = { plugin_name: plugin.name, connection_url, allowed_roles: "*", username: "u" };
  await kit.ask("update", "database/config/pg", { data: config });
  const role = { db_name: "pg", creation_statements: "create", default_ttl: "1h" };
  await kit.ask("update", "database/roles/r", { data: role });
  const policy = `path "database/creds/r" { capabilities = ["read"] }`;
  await kit.ask("update", "sys/policies/acl/reader", { data: { policy } });
  return kit;
}

async function batchToken(kit: NodeKit, ttl: string, parent?: string): Promise<string> {
  const data = { type: "batch", policies: ["reader"], ttl, no_parent: parent === undefined };
  const by = parent === undefined ? {} : { token: parent };
  const { auth } = await kit.ask("update", "auth/token/create", { ...by, data });
  return auth?.clientToken ?? "";
}

async function left(kit: NodeKit, fake: FakeDatabase): Promise<number[]> {
  await kit.clock.advance(1000);
  return [fake.users.size, (await leases(kit, "r")).length];
}

for (const path of ["auth/token/revoke", "auth/token/revoke-orphan"]) {
  Deno.test(`the leases of a batch token end with its parent: ${path}`, async () => {
    const fake = new FakeDatabase();
    const kit = await start(fake);
    const parent = await kit.token({ policies: ["root"], ttl: "2h" });
    await newUser(kit, "r", await batchToken(kit, "1h", parent));
    await newUser(kit, "r", await batchToken(kit, "1h"));
    assertEquals(await left(kit, fake), [2, 2]);
    await kit.ask("update", path, { data: { token: parent } });
    assertEquals(await left(kit, fake), [1, 1], "that of the orphan stays");
  });
}

Deno.test("the leases of a batch token end with its parent's time", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const parent = await kit.token({ policies: ["root"], ttl: "10m" });
  await newUser(kit, "r", await batchToken(kit, "1h", parent));
  await kit.clock.advance(601_000);
  assertEquals(await left(kit, fake), [0, 0]);
});

Deno.test("a lease of a batch token lives no longer than the token, however it is renewed", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const token = await batchToken(kit, "10m");
  const { lease } = await kit.ask("read", "database/creds/r", { token });
  assertEquals(lease?.durationSeconds, 600);
  await kit.clock.advance(300_000);
  const data = { lease_id: lease?.id ?? "", increment: "1h" };
  const renewed = await kit.ask("update", "sys/leases/renew", { data });
  assertEquals(renewed.lease?.durationSeconds, 300);
  await kit.clock.advance(301_000);
  assertEquals(await left(kit, fake), [0, 0]);
});
