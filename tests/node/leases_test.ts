/** What was promised to end, ends: at once, by prefix, and after a restart in the middle. */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/logical/json.ts";
import { settle } from "../../src/core/testing/kit.ts";
import { startNode } from "./kit.ts";

async function manyTokens(kit: Awaited<ReturnType<typeof startNode>>, count: number) {
  await kit.ask("update", "auth/token/roles/r", { data: { allowed_policies: ["default"] } });
  const made: string[] = [];
  for (let i = 0; i < count; i++) {
    const { auth } = await kit.ask("update", "auth/token/create/r", { data: { ttl: "1h" } });
    made.push(auth?.clientToken ?? "");
  }
  return made;
}

Deno.test("revoke-prefix ends every token below it and no other", async () => {
  const kit = await startNode();
  const tokens = await manyTokens(kit, 300);
  const other = await kit.token({ policies: ["default"], ttl: "1h" });
  await kit.ask("update", "sys/leases/revoke-prefix/auth/token/create/r");
  for (const token of tokens) {
    assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
  }
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token: other }), 200);
  const { data } = await kit.ask("read", "sys/leases/revocations");
  assertEquals(data?.revocations, []);
});

Deno.test("leases are listed by the page", async () => {
  const kit = await startNode();
  await manyTokens(kit, 25);
  const list = async (data: JsonObject) => {
    const answer = await kit.ask("list", "sys/leases/lookup/auth/token/create/r/", { data });
    return answer.data?.keys;
  };
  const all = await list({});
  assert(Array.isArray(all) && all.length === 25);
  const [tenth = "", twentieth = ""] = [all[9], all[19]];
  assertEquals(await list({ limit: 10 }), all.slice(0, 10));
  assertEquals(await list({ limit: 10, after: tenth }), all.slice(10, 20));
  assertEquals(await list({ after: twentieth }), all.slice(20));
});

Deno.test("a revocation that a restart has interrupted goes on", async () => {
  const kit = await startNode();
  const tokens = await manyTokens(kit, 150);
  const note = { id: "n", prefix: "auth/token/create/r/", force: false, startedAt: 0 };
  await kit.node.services.transactions.run((t) =>
    t.put("sys/expire/prefix/n", new TextEncoder().encode(JSON.stringify(note)))
  );
  await kit.node.seal();
  await kit.start();
  for (let i = 0; i < 50; i++) await settle();
  for (const token of tokens) {
    assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
  }
  const { transactions } = kit.node.services;
  const left = await transactions.run((t) => t.scan("sys/expire/prefix/", { limit: 1 }));
  assertEquals(left.length, 0);
});

Deno.test("a burst can't pass a lease count together, and what ends makes room", async () => {
  const kit = await startNode();
  await kit.ask("update", "auth/token/roles/r", { data: { allowed_policies: ["default"] } });
  await kit.ask("update", "sys/quotas/lease-count/q", {
    data: { path: "auth/token/create/r*", max_leases: 10 },
  });
  const create = () => kit.status("update", "auth/token/create/r", { data: { ttl: "1m" } });
  const statuses = await Promise.all(Array.from({ length: 40 }, create));
  assertEquals(statuses.filter((status) => status === 200).length, 10);
  assertEquals(statuses.filter((status) => status === 429).length, 30);
  await kit.clock.advance(61_000);
  assertEquals(await create(), 200);
});

Deno.test("what is due ends however far the clock has moved meanwhile", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], ttl: "10m" });
  const alive = async () => await kit.status("read", "auth/token/lookup-self", { token }) === 200;
  await kit.clock.advance(5 * 60_000);
  assert(await alive());
  await kit.clock.advance(24 * 3_600_000);
  assert(!await alive());
});
