/** What a node still makes that is not the active one any more is found by the one that is. */
import { assert, assertEquals } from "@std/assert";
import type { NodeKit } from "../../core/testing/kit.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import type { StatementValues } from "./plugin.ts";
import { FakeDatabase } from "./testing/fake_database.ts";
import { irrevocable, twoDatabases } from "./testing/two_databases.ts";
import { leases, newUser, revoke } from "./testing/users.ts";

/** Of a node that dies as soon as a user is made. */
class LastDatabase extends FakeDatabase {
  override async run(
    purpose: string,
    statements: readonly string[],
    values: StatementValues,
    mayBegin: () => void,
  ): Promise<never> {
    await super.run(purpose, statements, values, mayBegin);
    return await new Promise<never>(() => {});
  }
}

const endAll = (kit: NodeKit) =>
  kit.ask("update", "sys/leases/revoke-prefix/database/creds/live", { data: { sync: true } });

async function restart(kit: NodeKit): Promise<void> {
  await kit.node.seal();
  await kit.start();
}

Deno.test("a user that a node makes after the next one has ended its lease goes too", async () => {
  const physical = new InmemStorage();
  const last = new LastDatabase();
  const before = await twoDatabases(last, undefined, physical);
  const next = Promise.withResolvers<NodeKit>();
  last.before = async () => {
    const { kit } = await twoDatabases(new FakeDatabase(last.users), undefined, physical);
    await endAll(kit);
    assertEquals(last.users.size, 0);
    next.resolve(kit);
  };
  // Never answered.
  void before.kit.ask("read", "database/creds/live");
  const kit = await next.promise;
  await kit.clock.advance(1000);
  assertEquals([last.users.size, await irrevocable(kit)], [1, 1], "its lease is kept in mind");
  await kit.clock.advance(121_000);
  assertEquals([last.users.size, await leases(kit, "live")], [0, []]);
  await kit.node.seal();
});

Deno.test("a creation that does not begin in its time is given up, and leaves nothing", async () => {
  const { kit, live } = await twoDatabases();
  live.before = () => kit.clock.advance(89_000);
  assertEquals(await kit.status("read", "database/creds/live"), 200);
  live.before = () => kit.clock.advance(91_000);
  assertEquals(await kit.status("read", "database/creds/live"), 500);
  assertEquals([live.users.size, (await leases(kit, "live")).length], [1, 1]);
  await kit.node.seal();
});

Deno.test("what is looked for again is over, and is not forgotten over restarts", async () => {
  const { kit, live } = await twoDatabases();
  const user = await newUser(kit, "live");
  await restart(kit);
  await revoke(kit, user);
  assertEquals([live.users.size, await leases(kit, "live")], [0, [user.lease.split("/").at(-1)]]);
  const listed = await kit.ask("read", "sys/leases", { data: { type: "irrevocable" } });
  assert(JSON.stringify(listed.data).includes("looked for again"), "with the reason");
  const data = { lease_id: user.lease };
  assertEquals(await kit.status("update", "sys/leases/renew", { data }), 400);
  assertEquals((await kit.ask("update", "sys/leases/lookup", { data })).data?.ttl, 0);
  for (let restarts = 0; restarts < 3; restarts++) {
    await kit.clock.advance(60_000);
    await restart(kit);
  }
  live.users.add(user.name);
  await kit.clock.advance(121_000);
  assertEquals([live.users.size, await leases(kit, "live")], [0, []]);
  await kit.node.seal();
});

Deno.test("nothing is looked for again of one's own, of what is old, or later on", async () => {
  const { kit, live } = await twoDatabases();
  const end = async () => {
    await endAll(kit);
    assertEquals([live.users.size, await leases(kit, "live")], [0, []]);
  };
  await newUser(kit, "live");
  await end();
  await newUser(kit, "live");
  await kit.clock.advance(601_000);
  await restart(kit);
  await end();
  await newUser(kit, "live");
  await restart(kit);
  await kit.clock.advance(121_000);
  await end();
  await kit.node.seal();
});
