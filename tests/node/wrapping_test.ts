/** Wrapped answers wait for one reader, once. */
import { assert, assertEquals } from "@std/assert";
import { startNode } from "./kit.ts";

const wrap = { ttlSeconds: 60, format: "" as const };

Deno.test("what was wrapped comes out once, whole", async () => {
  const kit = await startNode();
  const data = { a: 1, b: ["x", { y: null }] };
  const { wrapInfo } = await kit.ask("update", "sys/wrapping/wrap", { data, wrap });
  const token = wrapInfo?.token ?? "";
  const unwrap = () => kit.ask("update", "sys/wrapping/unwrap", { data: { token } });
  const body = JSON.parse(String((await unwrap()).raw?.body));
  assertEquals(body.data, data);
  assertEquals(await kit.status("update", "sys/wrapping/unwrap", { data: { token } }), 400);
});

Deno.test("of many that unwrap at once, one gets it", async () => {
  const kit = await startNode();
  const { wrapInfo } = await kit.ask("update", "sys/wrapping/wrap", { data: { a: 1 }, wrap });
  const token = wrapInfo?.token ?? "";
  const all = await Promise.all(
    Array.from({ length: 20 }, () => kit.status("update", "sys/wrapping/unwrap", { token })),
  );
  assertEquals(all.filter((status) => status === 200).length, 1);
  const late = await kit.status("update", "sys/wrapping/unwrap", { token });
  assertEquals(late, 400, "who comes late learns that it is gone, not that they may not");
});

Deno.test("the JWT form is a token of this cluster, and no other text is", async () => {
  const kit = await startNode();
  const jwt = { ttlSeconds: 60, format: "jwt" as const };
  const { wrapInfo } = await kit.ask("update", "sys/wrapping/wrap", { data: { a: 1 }, wrap: jwt });
  const token = wrapInfo?.token ?? "";
  const [header = "", claims = "", signature = ""] = token.split(".");
  assertEquals(JSON.parse(atob(header)).alg, "ES512");
  const forged = btoa(JSON.stringify({ alg: "none", typ: "JWT" })).replace(/=/g, "");
  for (const bad of [`${forged}.${claims}.`, `${header}.${claims}.${signature.slice(4)}AAAA`]) {
    const status = await kit.status("update", "sys/wrapping/unwrap", { data: { token: bad } });
    assertEquals(status, 400);
  }
  assertEquals(await kit.status("update", "sys/wrapping/unwrap", { data: { token } }), 200);
});

Deno.test("a JWT ends when the token in it does, not with the second before", async () => {
  const kit = await startNode();
  await kit.clock.advance(900);
  const jwt = { ttlSeconds: 60, format: "jwt" as const };
  const { wrapInfo } = await kit.ask("update", "sys/wrapping/wrap", { data: { a: 1 }, wrap: jwt });
  const lookup = () =>
    kit.status("update", "sys/wrapping/lookup", { data: { token: wrapInfo?.token ?? "" } });
  await kit.clock.advance(59_900);
  assertEquals(await lookup(), 200);
  await kit.clock.advance(200);
  assertEquals(await lookup(), 400);
});

Deno.test("a wrapping token ends by itself, with what it holds", async () => {
  const kit = await startNode();
  const { wrapInfo } = await kit.ask("update", "sys/wrapping/wrap", {
    data: { a: "hidden" },
    wrap,
  });
  await kit.clock.advance(60_001);
  const token = wrapInfo?.token ?? "";
  assertEquals(await kit.status("update", "sys/wrapping/unwrap", { data: { token } }), 400);
  const { transactions } = kit.node.services;
  const all = await transactions.run((t) => t.scan("logical/", { limit: 1000 }));
  assert(all.every(({ value }) => !new TextDecoder().decode(value).includes("hidden")));
});

Deno.test("a wrapping token can do nothing but be unwrapped", async () => {
  const kit = await startNode();
  const { wrapInfo } = await kit.ask("update", "sys/wrapping/wrap", { data: { a: 1 }, wrap });
  const token = wrapInfo?.token ?? "";
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
});
