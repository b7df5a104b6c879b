/** The cluster's TLS key changes while nodes work, are away, and come in. */
import { assert, assertEquals } from "@std/assert";
import { connect } from "node:tls";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import {
  call,
  type ClusterNode,
  kill,
  makeCluster,
  makeNode,
  settled,
  start,
  voters,
} from "./process_kit.ts";

const inStorage = 'cluster_tls_rotation_interval = "2s"';

/** What a node shows at its cluster port, to anybody. */
function shown({ port }: ClusterNode): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port: port + 1,
      rejectUnauthorized: false,
      ALPNProtocols: ["raft_storage_v1"],
    }, () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      resolve(fingerprint256);
    });
    socket.on("error", reject);
  });
}

/** Waits until the nodes show the same key, and one that is not among those. */
async function changed(nodes: readonly ClusterNode[], from: readonly string[]): Promise<string> {
  let key = "";
  await eventually(
    async () => {
      const keys = new Set(await Promise.all(nodes.map(shown)));
      [key = ""] = keys;
      return keys.size === 1 && !from.includes(key);
    },
    () => "the key does not change",
    60_000,
  );
  return key;
}

Deno.test("the key changes again and again, and no member is ever left behind", async () => {
  await using folder = await scratch();
  // Nothing is refused as long as one node leads: a machine that does other work is slow to answer it.
  const options = { inStorage, multiplier: 5 };
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"], options);
  const { nodes, token, key } = cluster;
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  await call(a, "sys/mounts/kv", { token, body: { type: "kv" }, method: "POST" });

  // Standbys pass writes on all the time, and none is refused.
  const stop = new AbortController();
  let written = 0;
  const writing = (async () => {
    while (!stop.signal.aborted) await call(b, "kv/x", { token, body: { n: ++written } });
  })();
  const seen = [await shown(a)];
  const watching = (async () => {
    for (let i = 0; i < 2; i++) seen.push(await changed(nodes, seen));
  })().finally(() => stop.abort());
  await Promise.all([watching, writing]);
  assert(written > 20);
  assertEquals(new Set(seen).size, 3);

  // Who is away holds the change up, and is trusted when it comes back, restarted or not.
  await kill(c);
  const before = await shown(a);
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const during = [before, await shown(a)];
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assertEquals(await shown(a), during[1]);
  await start(c);
  await call(c, "sys/unseal", { body: { key } });
  await eventually(async () => (await api(c.address, "sys/health")).status === 429);
  assertEquals((await call(c, "kv/x", { token })).at("data", "n"), written);
  await changed(nodes, during);

  // The leader goes; the next one goes on with it, and a new node gets the keys of that moment.
  const leader = await settled(nodes);
  await kill(leader);
  const left = nodes.filter((node) => node !== leader);
  const next = await settled(left);
  await start(leader);
  await call(leader, "sys/unseal", { body: { key } });
  await changed(nodes, [await shown(next)]);
  const d = await makeNode(folder.path, "d", { inStorage });
  try {
    await start(d);
    const to = await settled(nodes);
    await call(d, "sys/storage/raft/join", { body: { leader_api_addr: to.address } });
    await call(d, "sys/unseal", { body: { key } });
    await eventually(async () => (await api(d.address, "sys/health")).status === 429);
    await changed([...nodes, d], [await shown(d)]);
    assertEquals((await call(d, "kv/x", { token })).at("data", "n"), written);
    // All stop, and start with what they have stored.
    for (const node of [...nodes, d]) await kill(node);
    for (const node of [...nodes, d]) await start(node);
    for (const node of [...nodes, d]) await call(node, "sys/unseal", { body: { key } });
    await settled([...nodes, d]);
    await changed([...nodes, d], [await shown(d)]);
  } finally {
    await kill(d);
  }
});
