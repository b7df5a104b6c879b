/** Nodes whose networks are cut, both ways and one way, while clients read and write at each. */
import { assert, assertEquals } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { skipUnless } from "../e2e/skip.ts";
import { startLoad } from "./load.ts";
import { canUseNamespaces, makeNetwork, type Network } from "./namespace_kit.ts";
import { call, type Cluster, makeCluster, settled, voters } from "./process_kit.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const all = [0, 1, 2];

async function prepared(path: string, network: Network): Promise<Cluster> {
  const cluster = await makeCluster(path, ["a", "b", "c"], {}, network.places);
  const { nodes: [first], token } = cluster;
  assert(first !== undefined);
  await call(first, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await eventually(async () => await voters(first, token) === all.length);
  return cluster;
}

/** Cuts the leader off under load; what it says of itself then, and what the others do. */
async function cutLeader(network: Network, cluster: Cluster, ways: "both" | "out"): Promise<void> {
  const { nodes } = cluster;
  const leader = await settled(nodes);
  const cut = nodes.indexOf(leader);
  const others = all.filter((i) => i !== cut);
  const pairs = others.flatMap((i) => ways === "both" ? [[cut, i], [i, cut]] : [[cut, i]]);
  for (const [from = 0, to = 0] of pairs) await network.cut(from, to);
  const next = await settled(nodes.filter((node) => node !== leader));
  assert(next !== leader);
  await eventually(async () => (await api(leader.address, "sys/leader")).at("is_self") === false);
  assert((await api(leader.address, "sys/health")).status !== 200);
  await sleep(1500);
  for (const [from = 0, to = 0] of pairs) await network.mend(from, to);
  await eventually(async () => (await api(leader.address, "sys/health")).status === 429);
}

for (const ways of ["both", "out"] as const) {
  const what = ways === "both" ? "both ways" : "in what it sends";
  Deno.test(`a leader that is cut off ${what} steps down and says so; no read is old`, async (t) => {
    if (!skipUnless(t, await canUseNamespaces(), "network namespaces")) return;
    await using folder = await scratch();
    await using network = await makeNetwork(3);
    await using cluster = await prepared(folder.path, network);
    const load = startLoad(cluster.nodes, cluster.token);
    await sleep(300);
    await cutLeader(network, cluster, ways);
    await sleep(500);
    const acknowledged = await load.stop();
    assertEquals(load.errors, []);
    assert(load.acknowledged() > 50 && load.reads() > 50);
    for (const node of cluster.nodes) {
      for (const [key, value] of acknowledged) {
        const { token } = cluster;
        const found = Number((await call(node, `secret/${key}`, { token })).at("data", "value"));
        assert(found >= value, `${node.id}: ${key} is ${found}, acknowledged was ${value}`);
      }
    }
  });
}
