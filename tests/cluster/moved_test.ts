/** Nodes that come back with other addresses find each other without anybody's help. */
import { assert, assertEquals } from "@std/assert";
import { eventually, freePort, scratch } from "../../src/server/testing.ts";
import {
  call,
  type ClusterNode,
  kill,
  makeCluster,
  settled,
  start,
  voters,
} from "./process_kit.ts";

/** As a new container has it: another cluster port in a configuration that is else the same. */
async function move(node: ClusterNode): Promise<string> {
  const port = freePort();
  const text = await Deno.readTextFile(node.config);
  const moved = text.replace(/cluster_addr = .*/, `cluster_addr = "https://127.0.0.1:${port}"`)
    .replace(/( *cluster_address = .*\n)?( *tls_disable)/, (_, _old, next) => {
      return `  cluster_address = "127.0.0.1:${port}"\n${next}`;
    });
  await Deno.writeTextFile(node.config, moved);
  return `127.0.0.1:${port}`;
}

Deno.test("one node moves, and then another", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  const addresses = async (): Promise<string[]> => {
    const told = await call(await settled(nodes), "sys/storage/raft/configuration", { token });
    return [0, 1, 2].map((i) => String(told.at("data", "config", "servers", i, "address")));
  };
  await eventually(async () => await voters(a, token) === 3);
  for (const node of [b, a]) {
    await kill(node, "SIGTERM");
    const now = await move(node);
    await start(node);
    await call(node, "sys/unseal", { body: { key } });
    await eventually(async () => (await addresses()).includes(now));
  }
  await kill(c);
  const leader = await settled([a, b]);
  await call(leader, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(leader, "secret/x", { token, body: { value: "1" } });
  for (const node of [a, b]) {
    assertEquals((await call(node, "secret/x", { token })).at("data", "value"), "1");
  }
});

Deno.test("most of a cluster moves at once, where one stays to be found", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  for (const node of nodes) await kill(node, "SIGTERM");
  for (const node of [a, b]) await move(node);
  for (const node of nodes) {
    await start(node);
    await call(node, "sys/unseal", { body: { key } });
  }
  const leader = await settled(nodes);
  await call(leader, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(leader, "secret/x", { token, body: { value: "1" } });
});
