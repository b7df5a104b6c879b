/** A batch token has no entry of its own: its leases end with its parent, and with its time. */
import { assertEquals } from "@std/assert";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { FakeDatabase } from "./testing/fake_database.ts";
import { twoDatabases } from "./testing/two_databases.ts";
import { leases, newUser } from "./testing/users.ts";

/** Whose users are made by the role "live". */
async function start(): Promise<{ readonly kit: NodeKit; readonly live: FakeDatabase }> {
  const { kit, live } = await twoDatabases();
  const policy = `path "database/creds/live" { capabilities = ["read"] }`;
  await kit.ask("update", "sys/policies/acl/reader", { data: { policy } });
  return { kit, live };
}

async function batchToken(kit: NodeKit, ttl: string, parent?: string): Promise<string> {
  const data = { type: "batch", policies: ["reader"], ttl, no_parent: parent === undefined };
  const by = parent === undefined ? {} : { token: parent };
  const { auth } = await kit.ask("update", "auth/token/create", { ...by, data });
  return auth?.clientToken ?? "";
}

async function left(kit: NodeKit, live: FakeDatabase): Promise<number[]> {
  await kit.clock.advance(1000);
  return [live.users.size, (await leases(kit, "live")).length];
}

for (const path of ["auth/token/revoke", "auth/token/revoke-orphan"]) {
  Deno.test(`the leases of a batch token end with its parent: ${path}`, async () => {
    const { kit, live } = await start();
    const parent = await kit.token({ policies: ["root"], ttl: "2h" });
    await newUser(kit, "live", await batchToken(kit, "1h", parent));
    await newUser(kit, "live", await batchToken(kit, "1h"));
    assertEquals(await left(kit, live), [2, 2]);
    await kit.ask("update", path, { data: { token: parent } });
    assertEquals(await left(kit, live), [1, 1], "that of the orphan stays");
  });
}

Deno.test("the leases of a batch token end with its parent's time", async () => {
  const { kit, live } = await start();
  const parent = await kit.token({ policies: ["root"], ttl: "10m" });
  await newUser(kit, "live", await batchToken(kit, "1h", parent));
  await kit.clock.advance(601_000);
  assertEquals(await left(kit, live), [0, 0]);
});

Deno.test("a lease of a batch token lives no longer than the token, however it is renewed", async () => {
  const { kit, live } = await start();
  const token = await batchToken(kit, "10m");
  const { lease } = await kit.ask("read", "database/creds/live", { token });
  assertEquals(lease?.durationSeconds, 600);
  await kit.clock.advance(300_000);
  const data = { lease_id: lease?.id ?? "", increment: "1h" };
  const renewed = await kit.ask("update", "sys/leases/renew", { data });
  assertEquals(renewed.lease?.durationSeconds, 300);
  await kit.clock.advance(301_000);
  assertEquals(await left(kit, live), [0, 0]);
});
