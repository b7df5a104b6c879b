/** A cluster of which no node can start: one is repaired in recovery mode, the others join again. */
import { assert, assertEquals } from "@std/assert";
import { api, eventually, scratch, spawn } from "../../src/server/testing.ts";
import { call, type ClusterNode, kill, makeCluster, settled, start } from "./process_kit.ts";

/** Starts a node in recovery mode; the token that its key holder makes. */
async function recover(node: ClusterNode, key: string): Promise<string> {
  node.process = spawn(["server", "-recovery", `-config=${node.config}`]);
  await node.process.saw("server started!");
  const begun = await call(node, "sys/generate-recovery-token/attempt", { body: {} });
  const nonce = begun.at("nonce");
  const done = await call(node, "sys/generate-recovery-token/update", { body: { key, nonce } });
  const sealed = Uint8Array.fromBase64(String(done.at("encoded_token")));
  const otp = new TextEncoder().encode(String(begun.at("otp")));
  return new TextDecoder().decode(sealed.map((byte, i) => byte ^ (otp[i] ?? 0)));
}

async function areVoters(node: ClusterNode, token: string, count: number): Promise<boolean> {
  const told = await call(node, "sys/storage/raft/configuration", { token });
  const servers = told.at("data", "config", "servers");
  return Array.isArray(servers) && servers.length === count &&
    servers.every(({ voter }) => voter === true);
}

Deno.test("from a mount table that stops every node to a whole cluster of three", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await eventually(() => areVoters(a, token, 3));
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(b, "secret/x", { token, body: { value: "kept" } });
  const uuid = (await call(a, "sys/mounts", { token })).at("data", "secret/", "uuid");
  const entry = `sys/raw/core/mounts/${uuid}`;
  for (const node of nodes) await kill(node, "SIGTERM");

  // The damage, made the way it is repaired.
  const first = await recover(a, key);
  const good = (await call(a, entry, { token: first })).at("data", "value");
  await call(a, entry, { token: first, body: { value: '{"path": ', force: true } });
  await kill(a, "SIGTERM");
  await start(a);
  const refused = await api(a.address, "sys/unseal", { body: { key } });
  assertEquals(refused.status, 500);
  assert(String(refused.at("errors", 0)).includes(`core/mounts/${uuid}`));
  await kill(a, "SIGTERM");

  const second = await recover(a, key);
  assert(second !== first);
  assertEquals((await api(a.address, entry, { token: first })).status, 403);
  await call(a, entry, { token: second, body: { value: good } });
  await kill(a, "SIGTERM");

  await start(a);
  await call(a, "sys/unseal", { body: { key } });
  assertEquals(await settled([a]), a);
  assertEquals((await call(a, "secret/x", { token })).at("data", "value"), "kept");
  assert(await areVoters(a, token, 1), "the others are members no more");
  for (const node of [b, c]) {
    await Deno.remove(node.folder, { recursive: true });
    await Deno.mkdir(node.folder);
    await start(node);
    await call(node, "sys/storage/raft/join", { body: { leader_api_addr: a.address } });
    await call(node, "sys/unseal", { body: { key } });
  }
  await eventually(() => areVoters(a, token, 3));
  await kill(a);
  const next = await settled([b, c]);
  assertEquals((await call(next, "secret/x", { token })).at("data", "value"), "kept");
  await call(next, "secret/y", { token, body: { value: "new" } });
});
