/** Secret IDs end as they should, and no limit gives way in a burst. */
import { assert, assertEquals } from "@std/assert";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { testRandom } from "../../crypto/testing.ts";
import { enableAuth, keysBelow, loginNode } from "../common/testing.ts";

const mount = "auth/approle";

async function start(role: JsonObject = {}): Promise<{ kit: NodeKit; roleId: string }> {
  const kit = await loginNode();
  await enableAuth(kit, "approle");
  await kit.ask("update", `${mount}/role/web`, { data: role });
  return { kit, roleId: await roleIdOf(kit, "web") };
}

async function roleIdOf(kit: NodeKit, role: string): Promise<string> {
  return String((await kit.ask("read", `${mount}/role/${role}/role-id`)).data?.role_id);
}

async function newSecret(kit: NodeKit, data: JsonObject = {}, role = "web") {
  const made = await kit.ask("update", `${mount}/role/${role}/secret-id`, { data });
  return {
    id: String(made.data?.secret_id),
    accessor: String(made.data?.secret_id_accessor),
  };
}

function attempt(kit: NodeKit, roleId: string, secretId: string, address = "127.0.0.1") {
  return kit.status("update", `${mount}/login`, {
    token: "",
    data: { role_id: roleId, secret_id: secretId },
    address,
  });
}

/** What the mount keeps. */
async function kept(kit: NodeKit): Promise<string[]> {
  const uuid = kit.node.services.mounts.router.at(`${mount}/`)?.entry.uuid ?? "";
  const prefix = `auth/${uuid}/`;
  return (await keysBelow(kit, prefix)).map((key) => key.slice(prefix.length));
}

Deno.test("role ID and secret ID together log in; neither does alone", async () => {
  const { kit, roleId } = await start({ token_policies: "p1" });
  const secret = await newSecret(kit, { metadata: '{"host":"a"}' });
  const { auth } = await kit.ask("update", `${mount}/login`, {
    token: "",
    data: { role_id: roleId, secret_id: secret.id },
  });
  assertEquals(auth?.tokenPolicies, ["default", "p1"]);
  assertEquals(auth?.metadata, { host: "a", role_name: "web" });
  assertEquals(await attempt(kit, roleId, ""), 400);
  assertEquals(await attempt(kit, "", secret.id), 400);
  assertEquals(await attempt(kit, roleId, secret.accessor), 400);
  await kit.ask("update", `${mount}/role/other`);
  assertEquals(await attempt(kit, await roleIdOf(kit, "other"), secret.id), 400);
});

Deno.test("of 200 logins at once, a secret ID of 50 uses lets 50 in", async () => {
  const { kit, roleId } = await start();
  const secret = await newSecret(kit, { num_uses: 50 });
  await kit.ask("update", "sys/auth/approle/tune", {
    data: { user_lockout_config: { lockout_disable: true } },
  });
  const statuses = await Promise.all(
    Array.from({ length: 200 }, () => attempt(kit, roleId, secret.id)),
  );
  assertEquals(statuses.filter((status) => status === 200).length, 50);
  assertEquals(statuses.filter((status) => status === 400).length, 150);
  assertEquals((await keysBelow(kit, "sys/token/accessor/")).length, 51, "root and 50 more");
  assertEquals((await kept(kit)).filter((key) => /^(secret_id|accessor)/.test(key)), []);
});

Deno.test("a secret ID ends by use, by time, by destruction and with its role", async () => {
  const { kit, roleId } = await start({ secret_id_ttl: "1h" });
  const once = await newSecret(kit, { num_uses: 1 });
  assertEquals(await attempt(kit, roleId, once.id), 200);
  assertEquals(await attempt(kit, roleId, once.id), 400);
  const timed = await newSecret(kit, { ttl: "10s" });
  await kit.clock.advance(9_999);
  assertEquals(await attempt(kit, roleId, timed.id), 200);
  await kit.clock.advance(1);
  assertEquals(await attempt(kit, roleId, timed.id), 400);
  const byText = await newSecret(kit);
  await kit.ask("update", `${mount}/role/web/secret-id/destroy`, {
    data: { secret_id: byText.id },
  });
  assertEquals(await attempt(kit, roleId, byText.id), 400);
  const byAccessor = await newSecret(kit);
  await kit.ask("update", `${mount}/role/web/secret-id-accessor/destroy`, {
    data: { secret_id_accessor: byAccessor.accessor },
  });
  assertEquals(await attempt(kit, roleId, byAccessor.id), 400);
  const left = await newSecret(kit);
  await kit.ask("delete", `${mount}/role/web`);
  assertEquals(await attempt(kit, roleId, left.id), 400);
  assertEquals(await kept(kit), [], "nothing of it stays behind");
});

Deno.test("an accessor of another role destroys nothing", async () => {
  const { kit, roleId } = await start();
  await kit.ask("update", `${mount}/role/other`);
  const secret = await newSecret(kit);
  const status = await kit.status("update", `${mount}/role/other/secret-id-accessor/destroy`, {
    data: { secret_id_accessor: secret.accessor },
  });
  assertEquals(status, 404);
  assertEquals(await attempt(kit, roleId, secret.id), 200);
});

Deno.test("addresses are held against role, secret ID and token", async () => {
  const { kit, roleId } = await start({
    secret_id_bound_cidrs: "10.0.0.0/8",
    token_bound_cidrs: "10.0.0.0/16",
  });
  const any = await newSecret(kit);
  assertEquals(await attempt(kit, roleId, any.id, "192.168.0.1"), 400);
  assertEquals(await attempt(kit, roleId, any.id, "10.0.1.1"), 200);
  assertEquals(await attempt(kit, roleId, any.id, "10.9.1.1"), 403, "no use for the token there");
  const narrow = await newSecret(kit, { cidr_list: "10.0.0.1/32" });
  assertEquals(await attempt(kit, roleId, narrow.id, "10.0.0.2"), 400);
  assertEquals(await attempt(kit, roleId, narrow.id, "10.0.0.1"), 200);
  const wider = { data: { cidr_list: "10.0.0.0/7" } };
  assertEquals(await kit.status("update", `${mount}/role/web/secret-id`, wider), 400);
});

Deno.test("ranges never set or reset show as null, those set to nothing as an empty list", async () => {
  const { kit } = await start({});
  const at = `${mount}/role/web`;
  const shown = async () => {
    const { data } = await kit.ask("read", at);
    const own = await kit.ask("read", `${at}/token-bound-cidrs`);
    return [data?.secret_id_bound_cidrs, own.data?.token_bound_cidrs];
  };
  assertEquals(await shown(), [null, null]);
  await kit.ask("update", at, { data: { secret_id_bound_cidrs: "", token_bound_cidrs: [] } });
  assertEquals(await shown(), [[], []]);
  await kit.ask("update", at, { data: { token_ttl: 60 } });
  assertEquals(await shown(), [[], []]);
  await kit.ask("update", at, { data: { token_bound_cidrs: "10.0.0.0/8" } });
  assertEquals(await shown(), [[], ["10.0.0.0/8"]]);
  await kit.ask("delete", `${at}/token-bound-cidrs`);
  assertEquals(await shown(), [[], null]);
  await kit.ask("delete", `${at}/secret-id-bound-cidrs`);
  assertEquals(await shown(), [null, null]);
});

Deno.test("former names that are set to nothing are not shown", async () => {
  const { kit } = await start({ policies: "a", period: 10 });
  const former = async () => {
    const { data } = await kit.ask("read", `${mount}/role/web`);
    return [data?.policies, data?.period];
  };
  assertEquals(await former(), [["a"], 10]);
  await kit.ask("update", `${mount}/role/web`, { data: { policies: "", period: 0 } });
  assertEquals(await former(), [undefined, undefined]);
});

Deno.test("a secret ID shows ranges as they were written, its token in one form", async () => {
  const { kit, roleId } = await start({});
  const { id } = await newSecret(kit, { token_bound_cidrs: "10.0.0.1/32" });
  const lookup = { data: { secret_id: id } };
  const { data } = await kit.ask("update", `${mount}/role/web/secret-id/lookup`, lookup);
  assertEquals(data?.token_bound_cidrs, ["10.0.0.1/32"]);
  assertEquals(await attempt(kit, roleId, id, "10.0.0.2"), 403);
  assertEquals(await attempt(kit, roleId, id, "10.0.0.1"), 200);
});

Deno.test("a secret ID may tighten the limits of its role, never lift them", async () => {
  const { kit } = await start({ secret_id_num_uses: 5, secret_id_ttl: "1h" });
  const status = (data: JsonObject) =>
    kit.status("update", `${mount}/role/web/secret-id`, { data });
  assertEquals(await status({ num_uses: 5, ttl: "1h" }), 200);
  assertEquals(await status({ num_uses: 1, ttl: 1 }), 200);
  for (const data of [{ num_uses: 6 }, { num_uses: 0 }, { num_uses: -1 }, { ttl: "61m" }]) {
    assertEquals(await status(data), 400);
  }
  assertEquals(await status({ ttl: 0 }), 400);
});

Deno.test("wrong secret IDs lock the role, unknown roles are not counted", async () => {
  const { kit, roleId } = await start();
  const secret = await newSecret(kit);
  for (let i = 0; i < 9; i++) assertEquals(await attempt(kit, "unknown", "x"), 400);
  for (let i = 0; i < 5; i++) assertEquals(await attempt(kit, roleId, `guess ${i}`), 400);
  assertEquals(await attempt(kit, roleId, secret.id), 403);
  await kit.clock.advance(15 * 60_000);
  assertEquals(await attempt(kit, roleId, secret.id), 200);
});

Deno.test("a wrapped secret ID tells its accessor and comes out once", async () => {
  const { kit, roleId } = await start();
  const { wrapInfo } = await kit.ask("update", `${mount}/role/web/secret-id`, {
    wrap: { ttlSeconds: 60, format: "" },
  });
  const { raw } = await kit.ask("update", "sys/wrapping/unwrap", { token: wrapInfo?.token });
  const { data } = JSON.parse(String(raw?.body));
  assertEquals(wrapInfo?.wrappedAccessor, data?.secret_id_accessor);
  assertEquals(await attempt(kit, roleId, String(data?.secret_id)), 200);
  const again = await kit.status("update", "sys/wrapping/unwrap", { token: wrapInfo?.token });
  assert(again >= 400);
});

Deno.test("a renewal asks for the role of today", async () => {
  const { kit, roleId } = await start({ token_ttl: "10m", token_max_ttl: "1h" });
  const secret = await newSecret(kit);
  const { auth } = await kit.ask("update", `${mount}/login`, {
    token: "",
    data: { role_id: roleId, secret_id: secret.id },
  });
  const token = auth?.clientToken ?? "";
  await kit.ask("update", `${mount}/role/web/token-ttl`, { data: { token_ttl: "20m" } });
  const renewed = await kit.ask("update", "auth/token/renew-self", { token });
  assertEquals(renewed.auth?.leaseDurationSeconds, 1200);
  await kit.ask("delete", `${mount}/role/web`);
  assertEquals(await kit.status("update", "auth/token/renew-self", { token }), 400);
});

Deno.test("whatever happens to secret IDs, every index entry has its secret ID", async () => {
  const { kit, roleId } = await start();
  const random = testRandom(11);
  const pick = (most: number) => (random.bytes(1)[0] ?? 0) % most;
  const secrets: Awaited<ReturnType<typeof newSecret>>[] = [];
  for (let step = 0; step < 150; step++) {
    const secret = secrets[pick(secrets.length + 1)];
    const action = pick(5);
    if (secret === undefined || action === 0) {
      secrets.push(await newSecret(kit, { num_uses: pick(3), ttl: pick(3) * 5 }));
    } else if (action < 3) await attempt(kit, roleId, secret.id);
    else if (action === 3) await kit.clock.advance(500);
    else {
      await kit.status("update", `${mount}/role/web/secret-id-accessor/destroy`, {
        data: { secret_id_accessor: secret.accessor },
      });
    }
  }
  await kit.clock.advance(10_000);
  await kit.ask("update", `${mount}/tidy/secret-id`);
  const keys = await kept(kit);
  const count = (prefix: string) => keys.filter((key) => key.startsWith(prefix)).length;
  assertEquals(count("secret_id/"), count("accessor/"));
  assertEquals(count("secret_id_ends/"), 0, "all that had an end have ended");
  const listed = await kit.ask("list", `${mount}/role/web/secret-id`);
  const names = listed.data?.keys;
  assertEquals(Array.isArray(names) ? names.length : 0, count("secret_id/"));
});
