/** A batch token has no entry of its own: its leases end with its parent, and with its time. */
import { assertEquals } from "@std/assert";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { LeaseEntry } from "../../lease/entry.ts";
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

/** Does to the only lease of the role "live" what a version does that does not know of `tokenEnd`. */
async function changeLease(kit: NodeKit, change: (lease: LeaseEntry) => LeaseEntry) {
  const { services: { transactions, leases: store } } = kit.node;
  await transactions.run(async (transaction) => {
    const [name = ""] = await store.list(transaction, "database/creds/live/");
    const lease = await store.get(transaction, `database/creds/live/${name}`);
    if (lease === undefined) throw new Error("there is no lease");
    store.remove(transaction, lease);
    store.put(transaction, change(lease));
  });
}

Deno.test("what an earlier version renewed beyond the batch token's end ends with it all the same", async () => {
  const { kit, live } = await start();
  const doneKey = "sys/expire/batch-ends";
  const { lease: id } = await newUser(kit, "live", await batchToken(kit, "10m"));
  await changeLease(kit, (lease) => ({ ...lease, expireTime: lease.expireTime + 3_600_000 }));
  // As it is where an earlier version may still have been active.
  await kit.node.services.transactions.run((transaction) => transaction.delete(doneKey));
  await kit.node.seal();
  await kit.start();
  assertEquals(await left(kit, live), [1, 1], "it has its time");
  const { data } = await kit.ask("update", "sys/leases/lookup", { data: { lease_id: id } });
  assertEquals(Number(data?.ttl) <= 600, true, `${data?.ttl}`);
  await kit.clock.advance(601_000);
  assertEquals(await left(kit, live), [0, 0]);
});

Deno.test("a lease of a batch token whose end nobody knows gets no more time", async () => {
  const { kit, live } = await start();
  const { lease } = await newUser(kit, "live", await batchToken(kit, "10m"));
  await changeLease(kit, ({ tokenEnd: _, ...rest }) => ({ ...rest, tokenId: "" }));
  const data = { lease_id: lease, increment: "1h" };
  assertEquals(await kit.status("update", "sys/leases/renew", { data }), 400);
  assertEquals(await left(kit, live), [1, 1], "it is not taken away");
  await kit.clock.advance(601_000);
  assertEquals(await left(kit, live), [0, 0]);
});
