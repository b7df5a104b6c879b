/** Real processes that form a cluster: join, replicate, forward, fail over. */
import { assert, assertEquals } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { call, kill, makeCluster, settled, start, voters } from "./process_kit.ts";

Deno.test("three processes form a cluster, and any of them takes writes", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  const autopilot = "sys/storage/raft/autopilot";
  const healthy = await call(b, `${autopilot}/state`, { token });
  assertEquals(healthy.at("data", "healthy"), true);
  assertEquals(healthy.at("data", "failure_tolerance"), 1);
  assertEquals(healthy.at("data", "voters", 2) !== undefined, true);
  const settings = { last_contact_threshold: "1s", max_trailing_logs: 500 };
  await call(c, `${autopilot}/configuration`, { token, body: settings });
  await call(b, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(c, "secret/x", { token, body: { value: "1" } });
  for (const node of nodes) {
    assertEquals((await call(node, "secret/x", { token })).at("data", "value"), "1");
  }
  assertEquals((await api(b.address, "sys/health")).status, 429);
  assertEquals((await api(a.address, "sys/health")).status, 200);
  const leader = await call(b, "sys/leader");
  assertEquals(leader.at("leader_address"), a.address);
  assertEquals(leader.at("is_self"), false);
  const told = await fetch(`${b.address}/v1/secret/x?a=1`, {
    headers: { "x-vault-token": token, "x-vault-no-request-forwarding": "1" },
    redirect: "manual",
  });
  await told.body?.cancel();
  assertEquals(told.status, 307);
  assertEquals(told.headers.get("location"), `${a.address}/v1/secret/x?a=1`);

  await kill(a);
  const next = await settled([b, c]);
  await call(next, "secret/y", { token, body: { value: "2" } });
  // The settings have come along, and by them who is gone is missed soon.
  const kept = await call(next, `${autopilot}/configuration`, { token });
  assertEquals(kept.at("data", "max_trailing_logs"), 500);
  await eventually(async () => {
    const state = await call(next, `${autopilot}/state`, { token });
    return state.at("data", "healthy") === false && state.at("data", "failure_tolerance") === 0;
  });
  assertEquals((await call(next, "secret/x", { token })).at("data", "value"), "1");
  await start(a);
  await call(a, "sys/unseal", { body: { key: cluster.key } });
  await eventually(async () => (await api(a.address, "sys/health")).status === 429);
  assertEquals((await call(a, "secret/y", { token })).at("data", "value"), "2");

  await call(next, "sys/step-down", { token, method: "PUT" });
  await eventually(async () => (await api(next.address, "sys/health")).status === 429);
  assertEquals((await call(next, "secret/y", { token })).at("data", "value"), "2");
});

Deno.test("the active node can be sealed: another takes over, and it comes back as a standby", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes: [a, b, c], token, key } = cluster;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  assertEquals((await api(b.address, "sys/seal", { token, method: "PUT" })).status, 400);
  await call(a, "sys/seal", { token, method: "PUT" });
  await eventually(async () => (await api(a.address, "sys/health")).status === 503);
  const next = await settled([b, c]);
  await call(next, "sys/rotate", { token, method: "PUT" });
  await call(next, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(next, "secret/x", { token, body: { value: "1" } });
  await call(a, "sys/unseal", { body: { key } });
  await eventually(async () => (await api(a.address, "sys/health")).status === 429);
  assertEquals((await call(a, "secret/x", { token })).at("data", "value"), "1");
  // The keyring has moved on while b or c stood by.
  await call(next, "sys/step-down", { token, method: "PUT" });
  await eventually(async () => (await api(next.address, "sys/health")).status === 429);
  assertEquals((await call(next, "secret/x", { token })).at("data", "value"), "1");
});
