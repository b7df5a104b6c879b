/** Passwords open what they should, and guessing ends soon. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import type { NodeKit } from "../../core/testing/kit.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import { accessorOf, enableAuth, loginNode } from "../common/testing.ts";

async function start(user: Record<string, string | number | boolean> = {}): Promise<NodeKit> {
  const kit = await loginNode();
  await enableAuth(kit, "userpass");
  await kit.ask("update", "auth/userpass/users/ann", { data: { password: "right", ...user } });
  return kit;
}

async function attempt(kit: NodeKit, password: string, name = "ann", address?: string) {
  return await kit.status("update", `auth/userpass/login/${name}`, {
    token: "",
    data: { password },
    ...(address === undefined ? {} : { address }),
  });
}

async function login(kit: NodeKit, name = "ann", password = "right"): Promise<string> {
  const path = `auth/userpass/login/${name}`;
  return (await kit.ask("update", path, { token: "", data: { password } })).auth?.clientToken ?? "";
}

Deno.test("the right password logs in, in any case of the name", async () => {
  const kit = await start({ token_policies: "p1" });
  const { auth } = await kit.ask("update", "auth/userpass/login/ANN", {
    token: "",
    data: { password: "right" },
  });
  assertEquals(auth?.tokenPolicies, ["default", "p1"]);
  assertEquals(auth?.metadata, { username: "ann" });
  const { data } = await kit.ask("read", "auth/token/lookup-self", { token: auth?.clientToken });
  assertEquals(data?.display_name, "userpass-ann");
  assertEquals(data?.entity_id, auth?.entityId);
});

Deno.test("a wrong password and an unknown name get the same refusal", async () => {
  const kit = await start();
  const refusals: string[] = [];
  for (const name of ["ann", "nobody"]) {
    const ask = () =>
      kit.ask("update", `auth/userpass/login/${name}`, { token: "", data: { password: "x" } });
    const error = await assertRejects(ask, Failure);
    refusals.push(`${error.status} ${error.message}`);
  }
  assertEquals(refusals[0], refusals[1]);
});

Deno.test("the password is nowhere in storage or answers", async () => {
  const physical = new InmemStorage();
  const kit = await loginNode(physical);
  await enableAuth(kit, "userpass");
  await kit.ask("update", "auth/userpass/users/ann", { data: { password: "sesame-open" } });
  const { data } = await kit.ask("read", "auth/userpass/users/ann");
  assert(!JSON.stringify(data).includes("scrypt"));
  const kept = await kit.node.services.transactions.run((t) => t.scan("auth/", { limit: 100 }));
  for (const { value } of kept) assert(!new TextDecoder().decode(value).includes("sesame"));
});

Deno.test("five wrong passwords lock the name for a quarter of an hour, others are free", async () => {
  const kit = await start();
  await kit.ask("update", "auth/userpass/users/bob", { data: { password: "right" } });
  for (let i = 0; i < 5; i++) assertEquals(await attempt(kit, "wrong"), 400);
  assertEquals(await attempt(kit, "right"), 403);
  assertEquals(await attempt(kit, "right", "bob"), 200);
  await kit.clock.advance(15 * 60_000 - 1);
  assertEquals(await attempt(kit, "right"), 403);
  await kit.clock.advance(1);
  assertEquals(await attempt(kit, "right"), 200);
});

Deno.test("a login that goes well, or time, starts the count anew", async () => {
  const kit = await start();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) assertEquals(await attempt(kit, "wrong"), 400);
    assertEquals(await attempt(kit, "right"), 200);
  }
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) assertEquals(await attempt(kit, "wrong"), 400);
    await kit.clock.advance(15 * 60_000);
  }
  assertEquals(await attempt(kit, "right"), 200);
});

Deno.test("a lock is listed, outlives a restart, and can be taken away", async () => {
  const physical = new InmemStorage();
  const first = await loginNode(physical);
  const accessor = await enableAuth(first, "userpass");
  await first.ask("update", "auth/userpass/users/ann", { data: { password: "right" } });
  for (let i = 0; i < 5; i++) await attempt(first, "wrong");
  const kit = await loginNode(physical);
  assertEquals(await attempt(kit, "right"), 403);
  const { data } = await kit.ask("read", "sys/locked-users");
  assertEquals(data?.total, 1);
  await kit.ask("update", `sys/locked-users/${accessor}/unlock/ann`);
  assertEquals(await attempt(kit, "right"), 200);
  assertEquals((await kit.ask("read", "sys/locked-users")).data?.total, 0);
});

Deno.test("a mount has its own rules, or none", async () => {
  const kit = await start();
  await kit.ask("update", "sys/auth/userpass/tune", {
    data: { user_lockout_config: { lockout_threshold: 2, lockout_duration: "10s" } },
  });
  for (let i = 0; i < 2; i++) assertEquals(await attempt(kit, "wrong"), 400);
  assertEquals(await attempt(kit, "right"), 403);
  await kit.clock.advance(10_000);
  assertEquals(await attempt(kit, "right"), 200);
  await kit.ask("update", "sys/auth/userpass/tune", {
    data: { user_lockout_config: { lockout_disable: true } },
  });
  for (let i = 0; i < 9; i++) assertEquals(await attempt(kit, "wrong"), 400);
  assertEquals(await attempt(kit, "right"), 200);
});

Deno.test("a hundred guesses at once get no more answers than the threshold allows", async () => {
  const kit = await start();
  const statuses = await Promise.all(
    Array.from({ length: 100 }, (_, i) => attempt(kit, i === 60 ? "right" : `guess ${i}`)),
  );
  assertEquals(statuses.filter((status) => status === 400).length, 5, `${statuses}`);
  assertEquals(statuses[60], 403, "the right one among the late ones tells nothing");
});

Deno.test("locks that have ended leave storage when others come", async () => {
  const kit = await start();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5; i++) await attempt(kit, "wrong", `ghost${round}`);
    await kit.clock.advance(16 * 60_000);
  }
  const kept = await kit.node.services.transactions.run((t) => t.scan("core/login/", { limit: 9 }));
  assertEquals(kept.length, 2, "one lock, in two indexes");
});

Deno.test("a renewal asks for the user of today", async () => {
  const kit = await start({ token_policies: "p1", token_ttl: "1h" });
  const renew = (token: string) => kit.status("update", "auth/token/renew-self", { token });
  const token = await login(kit);
  assertEquals(await renew(token), 200);
  await kit.ask("update", "auth/userpass/users/ann", { data: { token_policies: "p2" } });
  assertEquals(await renew(token), 400, "other policies");
  const second = await login(kit);
  await kit.ask("delete", "auth/userpass/users/ann");
  assertEquals(await renew(second), 400, "no such user");
});

Deno.test("an address outside of the ranges is refused, at login and later", async () => {
  const kit = await start({ token_bound_cidrs: "10.0.0.0/8" });
  assertEquals(await attempt(kit, "right"), 403);
  assertEquals(await attempt(kit, "right", "ann", "10.1.2.3"), 200);
  const { auth } = await kit.ask("update", "auth/userpass/login/ann", {
    token: "",
    data: { password: "right" },
    address: "10.1.2.3",
  });
  const token = auth?.clientToken ?? "";
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
});

Deno.test("a bcrypt hash from elsewhere works, and the first login replaces it", async () => {
  const kit = await loginNode();
  await enableAuth(kit, "userpass");
  // Of "abc", from the test vectors of jBCrypt.
  const hash = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
  await kit.ask("update", "auth/userpass/users/ann", { data: { password_hash: hash } });
  const kept = async () => {
    const uuid = kit.node.services.mounts.router.at("auth/userpass/")?.entry.uuid;
    const bytes = await kit.node.services.transactions.run((t) => t.get(`auth/${uuid}/user/ann`));
    return new TextDecoder().decode(bytes);
  };
  assert((await kept()).includes("$2a$06$"));
  assertEquals(await attempt(kit, "abd"), 400);
  assertEquals(await attempt(kit, "abc"), 200);
  assert((await kept()).includes("$scrypt$"));
  assertEquals(await attempt(kit, "abc"), 200);
  assertEquals(await attempt(kit, "abd"), 400);
});

Deno.test("a disabled entity can't log in and its tokens are refused", async () => {
  const kit = await start();
  const token = await login(kit);
  const id = (await kit.ask("read", "auth/token/lookup-self", { token })).data?.entity_id;
  await kit.ask("update", `identity/entity/id/${id}`, { data: { disabled: true } });
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
  assertEquals(await attempt(kit, "right"), 403);
  await kit.ask("update", `identity/entity/id/${id}`, { data: { disabled: false } });
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 200);
  assertEquals(await attempt(kit, "right"), 200);
  assert(accessorOf(kit, "auth/userpass/").startsWith("auth_userpass_"));
});
