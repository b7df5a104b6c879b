/** Tokens live, bear children, end, and take everything that hangs on them along. */
import { assert, assertEquals } from "@std/assert";
import { settle } from "../../src/core/testing/kit.ts";
import { startNode } from "./kit.ts";

async function alive(kit: Awaited<ReturnType<typeof startNode>>, token: string): Promise<boolean> {
  return await kit.status("read", "auth/token/lookup-self", { token }) === 200;
}

Deno.test("a token ends when its time is over, and not a moment before", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], ttl: "60s" });
  await kit.clock.advance(59_000);
  assert(await alive(kit, token));
  await kit.clock.advance(1_001);
  assert(!await alive(kit, token));
  await settle();
  const left = await kit.node.services.transactions.run((t) =>
    t.scan("sys/expire/time/", { limit: 10 })
  );
  assertEquals(left.map(({ key }) => key), [], "its lease is gone from storage too");
});

Deno.test("a token whose time is over answers to no name, and comes back by none, before it is taken away", async () => {
  const kit = await startNode();
  const data = { policies: ["default"], ttl: "1m" };
  const { auth } = await kit.ask("update", "auth/token/create", { data });
  const { clientToken: token = "", accessor = "" } = auth ?? {};
  const batch = await kit.ask("update", "auth/token/create", {
    data: { ...data, type: "batch", ttl: "1h" },
    token: await kit.token({ policies: ["root"], ttl: "1m" }),
  });
  await kit.node.services.expiration.stop();
  await kit.clock.advance(61_000);
  const status = (path: string, named: Record<string, string>) =>
    kit.status("update", `auth/token/${path}`, { data: named });
  assertEquals(await status("lookup", { token }), 403);
  assertEquals(await status("lookup-accessor", { accessor }), 400);
  assertEquals(await status("renew-accessor", { accessor, increment: "1h" }), 400);
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
  const own = { token: batch.auth?.clientToken ?? "" };
  assertEquals(
    await kit.status("read", "auth/token/lookup-self", own),
    403,
    "its parent's is over",
  );
});

Deno.test("revoking a token revokes its whole tree, however deep and wide", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/policies/acl/maker", {
    data: { policy: 'path "auth/token/create" { capabilities = ["update"] }' },
  });
  const top = await kit.token({ policies: ["maker"] });
  const family: string[] = [];
  let parents = [top];
  for (let depth = 0; depth < 4; depth++) {
    const next: string[] = [];
    for (const parent of parents) {
      for (let i = 0; i < 4; i++) {
        const made = await kit.ask("update", "auth/token/create", { token: parent });
        next.push(made.auth?.clientToken ?? "");
      }
    }
    family.push(...next);
    parents = next;
  }
  assertEquals(family.length, 4 + 16 + 64 + 256);
  await kit.ask("update", "auth/token/revoke", { data: { token: top } });
  for (const token of [top, ...family]) assert(!await alive(kit, token));
  const left = await kit.node.services.transactions.run((t) =>
    t.scan("sys/token/parent/", { limit: 10 })
  );
  assertEquals(left.length, 0);
});

Deno.test("an orphan outlives who made it", async () => {
  const kit = await startNode();
  const parent = await kit.token({ policies: ["root"] });
  const made = async (path: string) =>
    (await kit.ask("update", path, { token: parent, data: { policies: ["default"] } }))
      .auth?.clientToken ?? "";
  const [child, orphan] = [await made("auth/token/create"), await made("auth/token/create-orphan")];
  await kit.ask("update", "auth/token/revoke", { data: { token: parent } });
  assert(!await alive(kit, child));
  assert(await alive(kit, orphan));
});

Deno.test("revoke-orphan sets the children free", async () => {
  const kit = await startNode();
  const parent = await kit.token({ policies: ["root"] });
  const child = (await kit.ask("update", "auth/token/create", {
    token: parent,
    data: { policies: ["default"] },
  }))
    .auth?.clientToken ?? "";
  await kit.ask("update", "auth/token/revoke-orphan", { data: { token: parent } });
  assert(!await alive(kit, parent));
  assertEquals(
    (await kit.ask("read", "auth/token/lookup-self", { token: child })).data?.orphan,
    true,
  );
});

Deno.test("a token with n uses answers n requests, also when all come at once", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], num_uses: 10 });
  const asked = Array.from(
    { length: 40 },
    () => kit.status("read", "auth/token/lookup-self", { token }),
  );
  const statuses = await Promise.all(asked);
  assertEquals(statuses.filter((status) => status === 200).length, 10);
});

Deno.test("renewals add up to no more than the explicit maximum", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], ttl: "10m", explicit_max_ttl: "20m" });
  const renew = async () =>
    (await kit.ask("update", "auth/token/renew-self", { token, data: { increment: "1h" } }))
      .auth?.leaseDurationSeconds;
  assertEquals(await renew(), 1200);
  await kit.clock.advance(15 * 60_000);
  assertEquals(await renew(), 300);
  await kit.clock.advance(5 * 60_000 + 1);
  assert(!await alive(kit, token));
});

Deno.test("a periodic token lives as long as it is renewed", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], period: "10m" });
  for (let i = 0; i < 20; i++) {
    await kit.clock.advance(9 * 60_000);
    await kit.ask("update", "auth/token/renew-self", { token });
  }
  assert(await alive(kit, token));
  await kit.clock.advance(10 * 60_000 + 1);
  assert(!await alive(kit, token));
});

Deno.test("a batch token needs no storage and ends with its parent", async () => {
  const kit = await startNode();
  const parent = await kit.token({ policies: ["root"] });
  const made = await kit.ask("update", "auth/token/create", {
    token: parent,
    data: { policies: ["default"], type: "batch", ttl: "1h" },
  });
  const token = made.auth?.clientToken ?? "";
  assert(token.startsWith("hvb."));
  assert(await alive(kit, token));
  await kit.ask("update", "auth/token/revoke", { data: { token: parent } });
  assert(!await alive(kit, token));
  const named = { data: { token } };
  assertEquals(await kit.status("update", "auth/token/lookup", named), 403, "by who names it too");
  const onPath = { data: { token, path: "sys/mounts" } };
  assertEquals(await kit.status("update", "sys/capabilities", onPath), 400);
});

Deno.test("a batch token that was altered is no token", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], type: "batch", ttl: "1h" });
  for (const at of [5, 20, token.length - 3]) {
    const other = token[at] === "A" ? "B" : "A";
    assert(!await alive(kit, token.slice(0, at) + other + token.slice(at + 1)));
  }
});

Deno.test("the cubbyhole of a token goes with it and is seen by nobody else", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"] });
  await kit.ask("update", "cubbyhole/a", { token, data: { k: "v" } });
  assertEquals((await kit.ask("read", "cubbyhole/a", { token })).data, { k: "v" });
  assertEquals(await kit.status("read", "cubbyhole/a"), 404);
  await kit.ask("update", "auth/token/revoke", { data: { token } });
  const { services } = kit.node;
  const prefix = services.mounts.router.at("cubbyhole/")?.entry.uuid ?? "";
  const left = await services.transactions.run((t) => t.scan(`logical/${prefix}/`, { limit: 5 }));
  assertEquals(left.length, 0);
});

Deno.test("a token bound to addresses works from nowhere else", async () => {
  const kit = await startNode();
  await kit.ask("update", "auth/token/roles/r", { data: { token_bound_cidrs: ["10.0.0.0/8"] } });
  const made = await kit.ask("update", "auth/token/create/r", { data: { policies: ["default"] } });
  const token = made.auth?.clientToken ?? "";
  const from = (address: string) =>
    kit.status("read", "auth/token/lookup-self", { token, address });
  assertEquals(await from("10.200.1.1"), 200);
  assertEquals(await from("::ffff:10.1.1.1"), 200);
  assertEquals(await from("11.0.0.1"), 403);
});

Deno.test("storage never holds the token itself", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"] });
  const { transactions } = kit.node.services;
  const all = await transactions.run((t) => t.scan("", { limit: 10_000 }));
  const text = new TextDecoder();
  for (const { key, value } of all) {
    assert(!key.includes(token) && !text.decode(value).includes(token), key);
  }
});

Deno.test("everything is there again after seal and unseal", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"], ttl: "1h" });
  await kit.node.seal();
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 503);
  await kit.start();
  assert(await alive(kit, token));
  await kit.clock.advance(3_600_001);
  assert(!await alive(kit, token));
});

Deno.test("tokens and entities are counted", async () => {
  const kit = await startNode();
  const counted = async (what: string) =>
    (await kit.ask("read", `sys/internal/counters/${what}`)).data?.counters;
  assertEquals(await counted("tokens"), { service_tokens: { total: 1 } });
  await kit.token({ policies: ["default"] });
  await kit.ask("update", "identity/entity", { data: { name: "ann" } });
  assertEquals(await counted("tokens"), { service_tokens: { total: 2 } });
  assertEquals(await counted("entities"), { entities: { total: 1 } });
});

Deno.test("who revokes is answered when all of the tree is gone, also beside others who revoke", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/policies/acl/maker", {
    data: { policy: 'path "auth/token/create" { capabilities = ["update"] }' },
  });
  const trees: { top: string; children: string[] }[] = [];
  for (let i = 0; i < 6; i++) {
    const top = await kit.token({ policies: ["maker"] });
    const children: string[] = [];
    // More than one transaction removes.
    for (let n = 0; n < 260; n++) {
      const made = await kit.ask("update", "auth/token/create", { token: top });
      children.push(made.auth?.clientToken ?? "");
    }
    trees.push({ top, children });
  }
  const { services } = kit.node;
  const left = await Promise.all(trees.map(async ({ top, children }) => {
    await kit.ask("update", "auth/token/revoke", { data: { token: top } });
    return await services.transactions.run(async (t) => {
      const found = await Promise.all(children.map((child) => services.tokens.lookup(t, child)));
      return found.filter((entry) => entry !== undefined).length;
    });
  }));
  assertEquals(left, [0, 0, 0, 0, 0, 0]);
});

Deno.test("what comes to hang on a token at the moment it is revoked goes with it", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/policies/acl/maker", {
    data: { policy: 'path "auth/token/create" { capabilities = ["update"] }' },
  });
  const { transactions, revoker } = kit.node.services;
  for (let round = 0; round < 30; round++) {
    const token = await kit.token({ policies: ["maker"] });
    const acts = [
      () => kit.status("update", "auth/token/create", { token }),
      () => kit.status("update", "cubbyhole/a", { token, data: { value: "1" } }),
      () => kit.status("update", "auth/token/revoke", { data: { token } }),
    ];
    // Each of the three begins some rounds.
    acts.push(...acts.splice(0, round % 3));
    await Promise.all(acts.map((act) => act()));
    assert(!await alive(kit, token));
  }
  await revoker.finish();
  const left = await transactions.run(async (t) => [
    ...await t.scan("sys/token/parent/", { limit: 10 }),
    ...await t.scan(revoker.cubbyholePrefix(), { limit: 10 }),
  ]);
  assertEquals(left.map(({ key }) => key), []);
});
