/** Snapshots of real nodes: of one and of three, put back on the same cluster and on a new node. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import {
  activeOf,
  call,
  type ClusterNode,
  kill,
  makeCluster,
  makeNode,
  saveSnapshot,
  start,
  voters,
} from "./process_kit.ts";

async function restore(
  node: ClusterNode,
  token: string,
  body: Uint8Array<ArrayBuffer>,
  kind = "snapshot",
): Promise<{ status: number; text: string }> {
  const headers = { "x-vault-token": token };
  const url = `${node.address}/v1/sys/storage/raft/${kind}`;
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

async function reads(node: ClusterNode, token: string, value: string): Promise<boolean> {
  const answer = await api(node.address, "secret/x", { token });
  return answer.status === 200 && answer.at("data", "value") === value;
}

Deno.test("a cluster of three goes back to its snapshot, and on as a cluster of three", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token, key } = cluster;
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "then" } });
  const file = await saveSnapshot(a, token);
  await call(a, "secret/x", { token, body: { value: "now" } });
  assertEquals(await restore(a, token, file), { status: 204, text: "" });
  await eventually(() => reads(a, token, "then"));
  await eventually(() => reads(b, token, "then"));
  assertEquals(await voters(a, token), 3);
  // Whoever leads next serves the same, and a node that starts anew is understood by the others.
  await kill(a);
  await eventually(async () => (await activeOf([b, ...nodes.slice(2)])) !== undefined);
  await eventually(() => reads(b, token, "then"));
  await start(a);
  await call(a, "sys/unseal", { body: { key } });
  await eventually(() => reads(a, token, "then"));
});

Deno.test("a file that is not whole, or older than the keys, or foreign changes nothing", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  await using other = await makeCluster(folder.path, ["z"]);
  const { token, nodes: [a], key } = cluster;
  const [z] = other.nodes;
  assert(a !== undefined && z !== undefined);
  await eventually(async () => (await api(a.address, "sys/mounts", { token })).status === 200);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "then" } });
  const file = await saveSnapshot(a, token);
  await call(a, "secret/x", { token, body: { value: "now" } });
  const flipped = file.slice();
  flipped[file.length >> 1] = (flipped[file.length >> 1] ?? 0) ^ 1;
  const bad = [file.slice(0, -1), file.slice(0, file.length >> 1), flipped, new Uint8Array(9)];
  for (const body of bad) {
    for (const kind of ["snapshot", "snapshot-force"]) {
      const { status, text } = await restore(a, token, body, kind);
      assertEquals(status, 400, text);
    }
  }
  await eventually(async () =>
    (await api(z.address, "sys/mounts", { token: other.token })).status === 200
  );
  const foreign = await restore(a, token, await saveSnapshot(z, other.token));
  assertEquals(foreign.status, 400);
  assertStringIncludes(foreign.text, "could not verify hash file");
  const begun = await call(a, "sys/rekey/init", {
    body: { secret_shares: 1, secret_threshold: 1 },
  });
  await call(a, "sys/rekey/update", { body: { key, nonce: begun.at("nonce") } });
  const older = await restore(a, token, file);
  assertEquals(older.status, 400);
  assertStringIncludes(older.text, "older than the unseal keys");
  assert(await reads(a, token, "now"));
  assertEquals((await api(a.address, "sys/seal-status")).at("sealed"), false);
  const forced = await restore(a, token, file, "snapshot-force");
  assertEquals(forced.status, 200);
  assertStringIncludes(forced.text, "unseal with 1 of the 1 keys");
  await call(a, "sys/unseal", { body: { key } });
  await eventually(() => reads(a, token, "then"));
});

Deno.test("a new node takes a snapshot and opens with its keys", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a], key } = cluster;
  assert(a !== undefined);
  await eventually(async () => (await api(a.address, "sys/mounts", { token })).status === 200);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "kept" } });
  const file = await saveSnapshot(a, token);
  const fresh = await makeNode(folder.path, "n");
  await start(fresh);
  try {
    assertEquals((await restore(fresh, "", file.slice(0, -1))).status, 400);
    assertEquals((await api(fresh.address, "sys/init")).at("initialized"), false);
    const { status, text } = await restore(fresh, "", file);
    assertEquals(status, 200, text);
    assertStringIncludes(text, "unseal with 1 of the 1 keys");
    assertEquals((await restore(fresh, "", file)).status, 503);
    await call(fresh, "sys/unseal", { body: { key } });
    await eventually(() => reads(fresh, token, "kept"));
  } finally {
    await kill(fresh);
  }
});
