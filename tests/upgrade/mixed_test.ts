/**
 * Nodes of an earlier version and of today's in one cluster: they follow, forward to and replace
 * one another, in both directions. The earlier version comes from the repository's history and
 * runs from source.
 */
import { assert, assertEquals } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import {
  activeOf,
  call,
  type Cluster,
  type ClusterNode,
  kill,
  makeCluster,
  makeNode,
  settled,
  start,
  voters,
} from "../cluster/process_kit.ts";
import { checkOut } from "./history.ts";
import { restart } from "./restart.ts";

/** The earliest that had clusters as they are known now, and one of the day of the change. */
const commits = ["bbe15ef", "7fd2474"];

let written = 0;

/** Each node takes a write, and each reads what the others took. */
async function writesEverywhere(nodes: readonly ClusterNode[], token: string): Promise<void> {
  const running = nodes.filter((node) => node.process !== undefined);
  for (const through of running) {
    const path = `kv/${++written}`;
    await call(through, path, { token, body: { by: through.id } });
    for (const node of running) {
      assertEquals((await call(node, path, { token })).at("data", "by"), through.id);
    }
  }
}

/** Lets a node join that has never been there, whoever leads. */
async function joins(node: ClusterNode, { nodes, key, token }: Cluster): Promise<void> {
  await start(node);
  const leader = await settled(nodes);
  const before = await voters(leader, token);
  await call(node, "sys/storage/raft/join", { body: { leader_api_addr: leader.address } });
  await call(node, "sys/unseal", { body: { key } });
  await call(leader, "sys/storage/raft/autopilot/configuration", {
    token,
    body: { server_stabilization_time: "1s" },
  });
  await eventually(async () => await voters(leader, token) === before + 1);
}

for (const commit of commits) {
  Deno.test(`nodes of ${commit} and of today form one cluster and replace one another`, async () => {
    await using folder = await scratch();
    const old = `${folder.path}/old`;
    if (!await checkOut(commit, old)) {
      console.log(`skipped: the repository's history does not reach back to ${commit}`);
      return;
    }
    await using cluster = await makeCluster(folder.path, ["a", "b", "c"], { source: old });
    const { nodes, token, key } = cluster;
    const [a, b, c] = nodes;
    assert(a !== undefined && b !== undefined && c !== undefined);
    await eventually(async () => await voters(a, token) === 3);
    await call(a, "sys/mounts/kv", { token, body: { type: "kv" }, method: "POST" });
    await writesEverywhere(nodes, token);

    // An upgrade one by one, the active node last.
    await restart(b, undefined, key);
    await writesEverywhere(nodes, token);
    await restart(c, undefined, key);
    await writesEverywhere(nodes, token);
    await call(a, "sys/step-down", { token, method: "PUT" });
    await eventually(async () => [b, c].includes(await activeOf([b, c]) ?? a));
    // Today's node leads, the earlier one follows and passes on.
    await writesEverywhere(nodes, token);
    const led = await settled(nodes);
    const state = await call(led, "sys/storage/raft/autopilot/state", { token });
    assertEquals(state.at("data", "healthy"), true);

    // New nodes of either version come in.
    const d = await makeNode(folder.path, "d", { source: old });
    const e = await makeNode(folder.path, "e");
    try {
      await joins(d, cluster);
      await joins(e, cluster);
      await writesEverywhere([...nodes, d, e], token);
      // The leader dies, whoever is next.
      const dead = await settled(nodes);
      await kill(dead);
      await settled([...nodes, d, e]);
      await writesEverywhere([...nodes, d, e], token);
      await start(dead);
      await call(dead, "sys/unseal", { body: { key } });
      await restart(a, undefined, key);
      await restart(d, undefined, key);
      await writesEverywhere([...nodes, d, e], token);
    } finally {
      await kill(d);
      await kill(e);
    }
  });
}

Deno.test("today's node joins a cluster of an earlier version, and leads it", async () => {
  await using folder = await scratch();
  const old = `${folder.path}/old`;
  if (!await checkOut("bbe15ef", old)) {
    console.log("skipped: the repository's history does not reach back to bbe15ef");
    return;
  }
  await using cluster = await makeCluster(folder.path, ["a"], { source: old });
  const { nodes: [a], token } = cluster;
  assert(a !== undefined);
  await call(a, "sys/mounts/kv", { token, body: { type: "kv" }, method: "POST" });
  const b = await makeNode(folder.path, "b");
  try {
    await joins(b, cluster);
    await writesEverywhere([a, b], token);
    await call(a, "sys/step-down", { token, method: "PUT" });
    await eventually(async () => await activeOf([b]) === b);
    await writesEverywhere([a, b], token);
  } finally {
    await kill(b);
  }
});

Deno.test("a newer form waits for nodes that don't know it, and keeps them out afterwards", async () => {
  await using folder = await scratch();
  const old = `${folder.path}/old`;
  if (!await checkOut("7fd2474", old)) {
    console.log("skipped: the repository's history does not reach back to 7fd2474");
    return;
  }
  // Its key is due for a change at once, and the change needs a newer keyring.
  const inStorage = 'cluster_tls_rotation_interval = "1s"';
  const options = { inStorage, source: old };
  await using cluster = await makeCluster(folder.path, ["a", "b"], options);
  const { nodes: [a, b], token, key } = cluster;
  assert(a !== undefined && b !== undefined);
  const c = await makeNode(folder.path, "c", { source: old });
  try {
    await eventually(async () => await voters(a, token) === 2);
    await restart(a, undefined, key);
    if (await settled([a, b]) === b) await call(b, "sys/step-down", { token, method: "PUT" });
    assert(a.process !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert(!a.process.output().includes("a newer form"), a.process.output());
    const mount = { token, body: { type: "oidc" }, method: "POST" };
    const early = await api(a.address, "sys/auth/oidc", mount);
    assertEquals(early.status, 400, "b could not open the mount");
    // When it is of today's version as well, the newer form is used.
    await restart(b, undefined, key);
    if (await settled([a, b]) === b) await call(b, "sys/step-down", { token, method: "PUT" });
    await a.process.saw("a newer form, which is used from now on");
    assertEquals((await api(a.address, "sys/auth/oidc", mount)).status, 204);
    await start(c);
    const refused = await api(c.address, "sys/storage/raft/join", {
      body: { leader_api_addr: a.address },
    });
    assertEquals(refused.status, 400);
    const told = String(refused.at("errors", 0));
    for (const part of ['"tls-rotation"', "since version", "does not know", "install version"]) {
      assert(told.includes(part), told);
    }
    // Nor does it come back as it was, once it has seen what is in use.
    const index = async (node: ClusterNode, name: string) =>
      Number((await api(node.address, "sys/seal-status")).at(name));
    const committed = await index(a, "raft_committed_index");
    await eventually(async () => await index(b, "raft_applied_index") >= committed);
    await kill(b, "SIGTERM");
    b.source = old;
    await start(b);
    const unsealed = await api(b.address, "sys/unseal", { body: { key } });
    assert(unsealed.status >= 400, `${unsealed.status}`);
    await restart(b, undefined, key);
    await eventually(async () => (await api(b.address, "sys/health")).status !== 503);
    const peers = await call(a, "sys/storage/raft/configuration", { token });
    assertEquals(peers.at("data", "config", "servers", 2), undefined);
  } finally {
    await kill(c);
  }
});
