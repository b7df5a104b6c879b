/** A lease count for a role counts the logins of before it too, whatever happens while it does. */
import { assert, assertEquals } from "@std/assert";
import { Failure } from "../../src/base/failure.ts";
import { settle } from "../../src/core/testing/kit.ts";
import type { JsonObject } from "../../src/logical/json.ts";
import { startNode } from "./kit.ts";
import { MetStorage } from "./met_storage.ts";

const ids = "sys/token/id/";
const marks = "sys/token/counted/";

/** A node with two roles, and what the tests do with it. */
async function started() {
  const physical = new MetStorage();
  const kit = await startNode({ physical });
  await kit.ask("update", "sys/auth/approle", { data: { type: "approle" } });
  const roles = new Map<string, JsonObject>();
  for (const name of ["web", "other"]) {
    await kit.ask("update", `auth/approle/role/${name}`, { data: { token_ttl: "1h" } });
    const { data } = await kit.ask("read", `auth/approle/role/${name}/role-id`);
    const made = await kit.ask("update", `auth/approle/role/${name}/secret-id`);
    roles.set(name, { role_id: data?.role_id ?? "", secret_id: made.data?.secret_id ?? "" });
  }
  const login = async (role: string) => {
    const asked = { token: "", data: roles.get(role) ?? {} };
    return (await kit.ask("update", "auth/approle/login", asked)).auth?.clientToken ?? "";
  };
  const logIn = async (role: string, count: number): Promise<string[]> => {
    const tokens: string[] = [];
    for (let i = 0; i < count; i++) tokens.push(await login(role));
    return tokens;
  };
  const limit = (max = 10_000) =>
    kit.ask("update", "sys/quotas/lease-count/q", {
      data: { path: "auth/approle", role: "web", max_leases: max },
    });
  const quota = async () => {
    const { data, warnings } = await kit.ask("read", "sys/quotas/lease-count/q");
    return { counter: data?.counter, isWarned: (warnings ?? []).length > 0 };
  };
  const untilCounted = async () => {
    for (let i = 0; i < 200 && (await quota()).isWarned; i++) await settle();
    return await quota();
  };
  const revoke = (token: string) => kit.ask("update", "auth/token/revoke", { data: { token } });
  const marked = async () => (await physical.inner.scan(marks, { limit: 9999 })).length;
  return { kit, physical, login, logIn, limit, quota, untilCounted, revoke, marked };
}

Deno.test("logins of before a limit count, those of another role do not, and the limit holds", async () => {
  const { kit, login, logIn, limit, quota, untilCounted, revoke, marked } = await started();
  const earlier = await logIn("web", 230);
  await logIn("other", 30);
  await limit(232);
  assert((await quota()).isWarned, "it says that it does not know all of them yet");
  assertEquals(await untilCounted(), { counter: 230, isWarned: false });
  await logIn("web", 2);
  await logIn("other", 1);
  const refused = await login("web").then(() => 200, (e) => e instanceof Failure ? e.status : e);
  assertEquals(refused, 429);
  await revoke(earlier[7] ?? "");
  assertEquals((await quota()).counter, 231);
  await login("web");
  assertEquals([(await quota()).counter, await marked()], [232, 232]);

  await kit.clock.advance(3_700_000);
  for (let i = 0; i < 20; i++) await settle();
  assertEquals([(await quota()).counter, await marked()], [0, 0]);
});

Deno.test("a limit that is complete stays so over a restart and a change of its number", async () => {
  const { kit, physical, logIn, limit, quota, untilCounted } = await started();
  await logIn("web", 3);
  await limit();
  await untilCounted();
  let walks = 0;
  physical.onScan = (prefix) => {
    if (prefix === ids) walks++;
    return undefined;
  };
  await kit.node.seal();
  await kit.start();
  await limit(7);
  for (let i = 0; i < 20; i++) await settle();
  assertEquals([await quota(), walks], [{ counter: 3, isWarned: false }, 0]);
});

Deno.test("a restart in the middle of it counts nothing twice and misses nothing", async () => {
  const { kit, physical, logIn, limit, untilCounted, marked } = await started();
  await logIn("web", 350);
  let walks = 0;
  physical.onScan = (prefix) =>
    prefix === ids && ++walks === 3 ? Promise.reject(new Error("gone")) : undefined;
  await limit();
  for (let i = 0; i < 50 && walks < 3; i++) await settle();
  const first = await marked();
  assert(first > 0 && first < 350, `${first} are marked`);
  await kit.node.seal();
  await kit.start();
  assertEquals(await untilCounted(), { counter: 350, isWarned: false });
  assertEquals(await marked(), 350);
});

Deno.test("what broke it off once is tried again", async () => {
  const { kit, physical, logIn, limit, untilCounted, quota } = await started();
  await logIn("web", 150);
  let walks = 0;
  physical.onScan = (prefix) =>
    prefix === ids && ++walks === 2 ? Promise.reject(new Error("full")) : undefined;
  await limit();
  for (let i = 0; i < 20; i++) await settle();
  assert((await quota()).isWarned);
  await kit.clock.advance(11_000);
  assertEquals(await untilCounted(), { counter: 150, isWarned: false });
});

Deno.test("a token that is revoked or renewed while it is counted is counted as what it has become", async () => {
  const { kit, physical, logIn, limit, untilCounted, quota, revoke, marked } = await started();
  const [gone = "", kept = "", ...others] = await logIn("web", 40);
  const { tokens, transactions } = kit.node.services;
  const idOf = async (token: string) =>
    (await transactions.run((t) => tokens.lookup(t, token)))?.id ?? "";
  const [goneId, keptId] = [await idOf(gone), await idOf(kept)];
  kit.node.services.cache.clear();
  const during = new Map([
    [ids + goneId, () => revoke(gone)],
    [ids + keptId, () => kit.ask("update", "auth/token/renew", { data: { token: kept } })],
  ]);
  // Pages are scanned: what is read by its key is about to get its mark.
  physical.onGet = (key) => {
    const meet = during.get(key);
    during.delete(key);
    return meet?.().then(() => undefined);
  };
  await limit();
  assertEquals(await untilCounted(), { counter: 39, isWarned: false });
  assertEquals(during.size, 0, "both have been met");
  physical.onGet = () => undefined;
  assertEquals(await marked(), 39);
  for (const token of [kept, ...others]) await revoke(token);
  assertEquals([(await quota()).counter, await marked()], [0, 0]);
});

Deno.test("a login that was under way when the rule was made is counted", async () => {
  const { kit, logIn, limit, untilCounted, quota } = await started();
  await logIn("web", 2);
  const { transactions, quotas, issuer } = kit.node.services;
  const held = Promise.withResolvers<void>();
  const [path, mount] = ["auth/approle/login", "auth/approle/"];
  // As a login that has asked for room, and waits for something else before its commit.
  const late = transactions.run(async (transaction) => {
    const countedAs = await quotas.reserveLease(transaction, { path, mount, role: "web" });
    assertEquals(countedAs, undefined, "it does not know the rule");
    await held.promise;
    const internalData = { role_name: "web" };
    await issuer.issue(transaction, {
      policies: ["default"],
      path,
      authMount: mount,
      internalData,
      ttl: 60,
    });
  });
  await limit();
  for (let i = 0; i < 20; i++) await settle();
  assert((await quota()).isWarned, "it is waited for");
  held.resolve();
  await late;
  assertEquals(await untilCounted(), { counter: 3, isWarned: false });
});

Deno.test("logins between the end of a rule and its return count", async () => {
  const { kit, logIn, limit, untilCounted } = await started();
  await logIn("web", 2);
  await limit();
  await logIn("web", 2);
  await untilCounted();
  await kit.ask("delete", "sys/quotas/lease-count/q");
  await logIn("web", 3);
  await limit();
  assertEquals(await untilCounted(), { counter: 7, isWarned: false });
});
