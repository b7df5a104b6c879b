/** Users revoked by prefix: one that its database keeps holds up no other. */
import { assert, assertEquals } from "@std/assert";
import type { NodeKit } from "../../core/testing/kit.ts";
import { Failure } from "../../base/failure.ts";
import { DatabaseFailure } from "./plugin.ts";
import type { FakeDatabase } from "./testing/fake_database.ts";
import { irrevocable, noAnswer, twoDatabases, users } from "./testing/two_databases.ts";

/** Why a write is refused; undefined where it is not. */
async function refusal(kit: NodeKit, path: string, data = {}): Promise<string | undefined> {
  try {
    await kit.ask("update", path, { data });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return `${error.status} ${error.errors.join("; ")}`;
  }
}

/** Lets a database keep the first of its users; says when it gives in. */
function keepFirst(database: FakeDatabase): { giveIn(): void } {
  const [stubborn] = database.users;
  let refuses = true;
  database.beforeDrop = (name) =>
    refuses && name === stubborn
      ? Promise.reject(new DatabaseFailure("owns tables", true))
      : Promise.resolve();
  return { giveIn: () => refuses = false };
}

Deno.test("a user that its database keeps is named, the others are gone, and it is tried again", async () => {
  const { kit, live } = await twoDatabases();
  await users(kit, "live", 300);
  const keeper = keepFirst(live);
  const told = await refusal(kit, "sys/leases/revoke-prefix/database/creds/live");
  assert(/^400 1 of 300 leases .*"database\/creds\/live\/\w+".*owns tables/.test(told ?? ""), told);
  assertEquals([live.users.size, await irrevocable(kit)], [1, 1]);
  keeper.giveIn();
  await kit.clock.advance(60_000);
  assertEquals([live.users.size, await irrevocable(kit)], [0, 0]);
  await kit.node.seal();
});

Deno.test("a database that does not answer is asked a few times, and its users end when it does", async () => {
  const { kit, live, dead } = await twoDatabases();
  await users(kit, "dead", 300);
  await users(kit, "live", 10);
  let tries = 0;
  dead.beforeDrop = () => {
    tries++;
    return Promise.reject(noAnswer);
  };
  const told = await refusal(kit, "sys/leases/revoke-prefix/database/");
  assert(told?.startsWith("400 300 of 310 leases"), told);
  assert(tries < 15, `${tries} tries`);
  assertEquals([dead.users.size, live.users.size], [300, 0]);
  dead.beforeDrop = () => Promise.resolve();
  await kit.clock.advance(61_000);
  assertEquals([dead.users.size, await irrevocable(kit)], [0, 0]);
  await kit.node.seal();
});

Deno.test("with force the leases are forgotten, and the dead database is not asked for each", async () => {
  const { kit, dead } = await twoDatabases();
  await users(kit, "dead", 300);
  let tries = 0;
  dead.beforeDrop = () => {
    tries++;
    return Promise.reject(noAnswer);
  };
  assertEquals(await refusal(kit, "sys/leases/revoke-force/database/creds/dead"), undefined);
  assert(tries < 15, `${tries} tries`);
  const left = await kit.ask("list", "sys/leases/lookup/database/creds/dead");
  assertEquals(left.data?.keys, []);
  await kit.node.seal();
});

Deno.test("who waits for a revocation is told that it failed", async () => {
  const { kit, live } = await twoDatabases();
  const { lease } = await kit.ask("read", "database/creds/live");
  const keeper = keepFirst(live);
  const data = { lease_id: lease?.id ?? "", sync: true };
  const told = await refusal(kit, "sys/leases/revoke", data);
  assert(/^400 failed to revoke .*owns tables/.test(told ?? ""), told);
  keeper.giveIn();
  assertEquals(await refusal(kit, "sys/leases/revoke", data), undefined);
  assertEquals(live.users.size, 0);
  await kit.node.seal();
});
