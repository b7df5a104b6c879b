/** Nodes that join by themselves, that stay without a vote, that are taken out. */
import { FEATURES } from "../../src/ha/features.ts";
import { encodeFacts, ownFacts } from "../../src/raft/net/node_facts.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { api, eventually, scratch, spawn } from "../../src/server/testing.ts";
import {
  call,
  type ClusterNode,
  kill,
  makeCluster,
  makeNode,
  settled,
  start,
} from "./process_kit.ts";

async function servers(node: ClusterNode, token: string): Promise<string[]> {
  const told = await call(node, "sys/storage/raft/configuration", { token });
  const found: string[] = [];
  for (let i = 0;; i++) {
    const at = (name: string) => told.at("data", "config", "servers", i, name);
    if (at("node_id") === undefined) return found;
    found.push(`${at("node_id")} ${at("voter") === true ? "voter" : "learner"}`);
  }
}

Deno.test("nodes with retry_join wait for one that is initialised, then join it", async () => {
  await using folder = await scratch();
  const a = await makeNode(folder.path, "a");
  const b = await makeNode(folder.path, "b", { retryJoin: [a.address] });
  await using _ = { [Symbol.asyncDispose]: () => Promise.all([kill(a), kill(b)]).then(() => {}) };
  await start(b);
  assertEquals((await api(b.address, "sys/health")).status, 501);
  await start(a);
  const made = await call(a, "sys/init", { body: { secret_shares: 3, secret_threshold: 2 } });
  const keys = [0, 1].map((i) => String(made.at("keys_base64", i)));
  const token = String(made.at("root_token"));
  for (const key of keys) await call(a, "sys/unseal", { body: { key } });
  // What b waits for tells it how the key is split.
  await eventually(async () => (await api(b.address, "sys/seal-status")).at("t") === 2);
  assertEquals((await api(b.address, "sys/init", { body: {} })).status, 400);
  assertEquals((await api(b.address, "sys/unseal", { body: { key: keys[0] } })).at("progress"), 1);
  const wrong = "A".repeat(44);
  assertEquals((await api(b.address, "sys/unseal", { body: { key: wrong } })).status, 400);
  for (const key of keys) await call(b, "sys/unseal", { body: { key } });
  await eventually(async () => (await api(b.address, "sys/health")).status === 429);
  await eventually(async () => (await servers(a, token)).join() === "a voter,b voter");
  const nodes = (await call(b, "sys/ha-status", { token })).at("data", "nodes", 0, "api_address");
  assertEquals(nodes, a.address);
});

Deno.test("a learner never votes; a node that was removed knows it and serves nothing", async () => {
  await using folder = await scratch();
  const nodes: ClusterNode[] = [];
  for (const id of ["a", "b", "c"]) nodes.push(await makeNode(folder.path, id));
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await using _ = {
    [Symbol.asyncDispose]: () => Promise.all(nodes.map((n) => kill(n))).then(() => {}),
  };
  await Promise.all(nodes.map(start));
  const made = await call(a, "sys/init", { body: { secret_shares: 1, secret_threshold: 1 } });
  const key = String(made.at("keys_base64", 0)), token = String(made.at("root_token"));
  await call(a, "sys/unseal", { body: { key } });
  for (const [node, non_voter] of [[b, false], [c, true]] as const) {
    const body = { leader_api_addr: a.address, non_voter };
    await call(node, "sys/storage/raft/join", { body });
    await call(node, "sys/unseal", { body: { key } });
  }
  const expected = "a voter,b voter,c learner";
  await eventually(async () => (await servers(a, token)).join() === expected);
  await call(b, "sys/rotate", { token, method: "PUT" });
  await call(c, "sys/storage/raft/remove-peer", { token, body: { server_id: "c" } });
  assertEquals(await servers(a, token), ["a voter", "b voter"]);
  await eventually(async () => (await api(c.address, "sys/health")).status === 530);
  assertEquals((await api(c.address, "sys/mounts", { token })).status, 503);
  await call(a, "sys/storage/raft/remove-peer", { token, body: { server_id: "b" } });
  assertEquals((await settled([a])).id, "a");
  await call(a, "sys/mounts", { token });
  await eventually(async () => (await api(b.address, "sys/health")).status === 530);
});

Deno.test("who does not hold the seal's key is not let in", async () => {
  await using folder = await scratch();
  const a = await makeNode(folder.path, "a");
  await using _ = { [Symbol.asyncDispose]: () => kill(a) };
  await start(a);
  const made = await call(a, "sys/init", { body: { secret_shares: 1, secret_threshold: 1 } });
  await call(a, "sys/unseal", { body: { key: String(made.at("keys_base64", 0)) } });
  const server_id = "x";
  const facts = encodeFacts(ownFacts({ features: FEATURES }));
  const question = { body: { server_id, facts } };
  const asked = await call(a, "sys/storage/raft/bootstrap/challenge", question);
  const answer = asked.at("data", "challenge");
  const body = { server_id, answer, cluster_addr: "127.0.0.1:1" };
  assertEquals((await api(a.address, "sys/storage/raft/bootstrap/answer", { body })).status, 400);
  // And a question can be answered once.
  assertEquals((await api(a.address, "sys/storage/raft/bootstrap/answer", { body })).status, 400);
});

Deno.test("with most nodes lost for good, raft/peers.json makes a cluster of what is left", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a] = nodes;
  assert(a !== undefined);
  await eventually(async () => (await servers(a, token)).join() === "a voter,b voter,c voter");
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "1" } });
  await Promise.all(nodes.map((node) => kill(node)));
  const peers = `${a.folder}/raft/peers.json`;
  await Deno.writeTextFile(peers, JSON.stringify([{ id: "b", address: "127.0.0.1:1" }]));
  // A list without the node itself is a mistake, and is told.
  const told = spawn(["server", `-config=${a.config}`]);
  assertEquals(await told.ended, 1);
  assert(told.output().includes("this node, a, is not in it"), told.output());
  const address = `127.0.0.1:${a.port + 1}`;
  await Deno.writeTextFile(peers, JSON.stringify([{ id: "a", address }]));
  await start(a);
  await call(a, "sys/unseal", { body: { key } });
  await settled([a]);
  assertEquals((await call(a, "secret/x", { token })).at("data", "value"), "1");
  assertEquals(await servers(a, token), ["a voter"]);
  await assertRejects(() => Deno.stat(peers), Deno.errors.NotFound);
  await kill(a);
  await start(a);
  await call(a, "sys/unseal", { body: { key } });
  assertEquals(await servers(a, token), ["a voter"]);
  const d = await makeNode(folder.path, "d");
  await using _ = { [Symbol.asyncDispose]: () => kill(d) };
  await start(d);
  await call(d, "sys/storage/raft/join", { body: { leader_api_addr: a.address } });
  await call(d, "sys/unseal", { body: { key } });
  await eventually(async () => (await servers(a, token)).join() === "a voter,d voter");
  assertEquals((await call(d, "secret/x", { token })).at("data", "value"), "1");
});
