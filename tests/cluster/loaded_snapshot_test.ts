/** Single secrets out of snapshots that are loaded beside the running storage of real nodes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Answer, api, eventually, scratch } from "../../src/server/testing.ts";
import {
  activeOf,
  call,
  type ClusterNode,
  kill,
  makeCluster,
  saveSnapshot,
  voters,
} from "./process_kit.ts";

const base = "sys/storage/raft/snapshot-load";

async function load(
  node: ClusterNode,
  token: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ id: string; status: number; state: string; text: string }> {
  const headers = { "x-vault-token": token };
  const response = await fetch(`${node.address}/v1/${base}`, { method: "POST", headers, body });
  const text = await response.text();
  const { data = {} } = JSON.parse(text);
  return { id: String(data.snapshot_id), state: data.status, status: response.status, text };
}

/** Asks for something in a snapshot. */
function look(node: ClusterNode, token: string, path: string, id: string, method = "GET") {
  return api(node.address, `${path}?read_snapshot_id=${id}`, { token, method });
}

function recover(
  node: ClusterNode,
  token: string,
  path: string,
  id: string,
  { method = "POST", from }: { readonly method?: string; readonly from?: string } = {},
): Promise<Answer> {
  const headers = {
    "x-vault-recover-snapshot-id": id,
    ...(from === undefined ? {} : { "x-vault-recover-source-path": from }),
  };
  return api(node.address, path, { token, method, headers });
}

async function tokenWith(node: ClusterNode, root: string, name: string, policy: string) {
  await call(node, `sys/policies/acl/${name}`, { token: root, body: { policy } });
  const made = await call(node, "auth/token/create", { token: root, body: { policies: [name] } });
  return String(made.at("auth", "client_token"));
}

async function ready(node: ClusterNode, token: string) {
  await eventually(async () => (await api(node.address, "sys/mounts", { token })).status === 200);
}

Deno.test("one secret comes back out of a loaded snapshot, and nothing else changes", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await ready(a, token);
  const log = `${folder.path}/audit.log`;
  await call(a, "sys/audit/f", { token, body: { type: "file", options: { file_path: log } } });
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  await call(a, "sys/mounts/two", { token, body: { type: "kv", options: { version: "2" } } });
  await call(a, "sys/mounts/db", { token, body: { type: "database" } });
  for (const name of ["x", "y", "deep/er"]) {
    await call(a, `one/${name}`, { token, body: { value: `then-${name}` } });
    await call(a, `two/data/${name}`, { token, body: { data: { value: `then-${name}` } } });
  }
  await call(a, "two/data/y", { token, body: { data: { value: "then-y-2" } } });
  await call(a, "two/metadata/y", { token, body: { custom_metadata: { owner: "ann" } } });
  await call(a, "cubbyhole/c", { token, body: { value: "then-c" } });
  // Sealed with the keys of now; opened later with those of then.
  const file = await saveSnapshot(a, token);
  await call(a, "sys/rotate", { token, body: {} });
  for (const name of ["x", "y"]) {
    await call(a, `one/${name}`, { token, body: { value: "now" } });
    await call(a, `two/data/${name}`, { token, body: { data: { value: "now" } } });
  }
  await call(a, "two/metadata/y", { token, method: "DELETE" });
  await call(a, "cubbyhole/c", { token, method: "DELETE" });

  assertEquals((await api(a.address, base, { token, method: "LIST" })).status, 404);
  const bad = await load(a, token, file.slice(0, -9));
  assertEquals(bad.status, 400);
  const { id, state } = await load(a, token, file);
  assertEquals(state, "ready");
  const again = await load(a, token, file);
  assertEquals(again.status, 400);
  assertStringIncludes(again.text, id);
  assertEquals((await api(a.address, base, { token, method: "LIST" })).at("data", "keys"), [id]);
  assertEquals((await call(a, `${base}/${id}`, { token })).at("data", "status"), "ready");
  assertEquals([...Deno.readDirSync(`${a.folder}/spool`)], [], "its file has no name");

  const of = async (path: string) => (await look(a, token, path, id)).at("data");
  assertEquals(await of("one/x"), { value: "then-x" });
  assertEquals((await look(a, token, "one", id, "LIST")).at("data", "keys"), ["deep/", "x", "y"]);
  assertEquals((await look(a, token, "two/data/y", id)).at("data", "data"), { value: "then-y-2" });
  const first = await look(a, token, "two/data/y", `${id}&version=1`);
  assertEquals(first.at("data", "data"), { value: "then-y" });
  const names = await look(a, token, "two/metadata/", `${id}&list=true`);
  assertEquals(names.at("data", "keys"), ["deep/", "x", "y"]);
  assertEquals(await of("cubbyhole/c"), { value: "then-c" });
  assertEquals((await look(a, token, "one/gone", id)).status, 404);
  assertEquals((await look(a, token, "db/config/x", id)).status, 404);
  assertEquals((await look(a, token, "sys/mounts", id)).status, 404);
  assertEquals((await look(a, token, "one/x", "other")).status, 400);
  assertEquals((await call(a, "one/x", { token })).at("data", "value"), "now");

  assertEquals((await recover(a, token, "one/x", id)).status, 204);
  assertEquals((await call(a, "one/x", { token })).at("data", "value"), "then-x");
  assertEquals((await call(a, "one/y", { token })).at("data", "value"), "now");
  // A new version on top of what is there; all of a key where there is none any more.
  assertEquals((await recover(a, token, "two/data/x", id, { method: "RECOVER" })).status, 200);
  const x = await call(a, "two/data/x", { token });
  assertEquals([x.at("data", "data", "value"), x.at("data", "metadata", "version")], ["then-x", 3]);
  assertEquals(
    (await call(a, "two/data/x?version=2", { token })).at("data", "data", "value"),
    "now",
  );
  await recover(a, token, "two/data/y", id);
  const y = await call(a, "two/data/y?version=1", { token });
  assertEquals(y.at("data", "data", "value"), "then-y");
  assertEquals(y.at("data", "metadata", "custom_metadata"), { owner: "ann" });
  // Elsewhere, also from one version of the engine to the other.
  await recover(a, token, "two/data/copy", id, { from: "one/deep/er" });
  assertEquals(
    (await call(a, "two/data/copy", { token })).at("data", "data", "value"),
    "then-deep/er",
  );
  await recover(a, token, "one/é", id, { from: "two/data/deep/er" });
  assertEquals((await call(a, "one/é", { token })).at("data", "value"), "then-deep/er");
  assertEquals((await recover(a, token, "cubbyhole/c", id)).status, 204);
  assertEquals((await call(a, "cubbyhole/c", { token })).at("data", "value"), "then-c");
  const old = await api(a.address, `one/y?recover_snapshot_id=${id}`, { token, method: "PUT" });
  assertEquals(old.status, 204);
  assertEquals((await api(a.address, "one/y", { token, method: "RECOVER" })).status, 400);
  assertEquals((await recover(a, token, "one/none", id)).status, 404);
  assertEquals((await recover(a, token, "sys/policies/acl/x", id)).status, 404);

  // An engine that was of version 1 then.
  await call(a, "sys/mounts/one/tune", { token, body: { options: { version: "2" } } });
  await eventually(async () => (await recover(a, token, "one/data/deep/er", id)).status === 200);
  const upgraded = await call(a, "one/data/deep/er", { token });
  assertEquals(upgraded.at("data", "data", "value"), "then-deep/er");

  assertEquals((await api(a.address, `${base}/${id}`, { token, method: "DELETE" })).status, 204);
  assertEquals((await look(a, token, "one/x", id)).status, 400);
  assertEquals((await api(a.address, `${base}/${id}`, { token })).status, 404);
  const lines = (await Deno.readTextFile(log)).split("\n");
  assert(lines.some((line) => line.includes('"operation":"recover"') && line.includes(id)));
  assert(lines.some((line) => line.includes('"recover_source_path":"one/deep/er"')));
  assert(!lines.some((line) => line.includes("then-")), "values are hashed");
});

Deno.test("reading a snapshot takes read, recovering takes recover, another mount takes sudo", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await ready(a, token);
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  await call(a, "one/x", { token, body: { value: "then" } });
  await call(a, "one/y", { token, body: { value: "then" } });
  const { id } = await load(a, token, await saveSnapshot(a, token));
  const reader = await tokenWith(a, token, "reader", `path "one/x" { capabilities = ["read"] }`);
  const fixer = await tokenWith(a, token, "fixer", `path "one/x" { capabilities = ["recover"] }`);
  const copier = await tokenWith(
    a,
    token,
    "copier",
    `path "one/x" { capabilities = ["recover"] } path "one/y" { capabilities = ["read"] }`,
  );
  const writer = await tokenWith(
    a,
    token,
    "writer",
    `path "one/*" { capabilities = ["create", "read", "update", "list", "delete", "patch"] }`,
  );
  assertEquals((await look(a, reader, "one/x", id)).status, 200);
  assertEquals((await look(a, reader, "one/y", id)).status, 403);
  assertEquals((await look(a, fixer, "one/x", id)).status, 403);
  assertEquals((await look(a, "hvs.none", "one/x", id)).status, 403);
  // Whether there is such a snapshot is for those to know who may look into it.
  assertEquals((await look(a, fixer, "one/x", "other")).status, 403);
  assertEquals((await recover(a, fixer, "one/x", id)).status, 204);
  assertEquals((await recover(a, writer, "one/x", id)).status, 403);
  assertEquals((await recover(a, reader, "one/x", id, { method: "RECOVER" })).status, 403);
  assertEquals((await recover(a, fixer, "one/x", id, { from: "one/y" })).status, 403);
  assertEquals((await recover(a, copier, "one/x", id, { from: "one/y" })).status, 204);
  assertEquals((await load(a, writer, new Uint8Array(9))).status, 403);
  // The same path, but no longer the same mount.
  await call(a, "sys/mounts/one", { token, method: "DELETE" });
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  assertEquals((await look(a, reader, "one/x", id)).status, 403);
  assertEquals((await recover(a, fixer, "one/x", id)).status, 403);
  assertEquals((await recover(a, token, "one/x", id)).status, 204);
  assertEquals((await call(a, "one/x", { token })).at("data", "value"), "then");
});

Deno.test("a snapshot of other keys opens with these; older keys of its own cluster it needs not", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  await using other = await makeCluster(folder.path, ["z"]);
  const { token, nodes: [a], key } = cluster;
  const [z] = other.nodes;
  assert(a !== undefined && z !== undefined);
  await ready(a, token);
  await ready(z, other.token);
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  await call(a, "one/x", { token, body: { value: "of a" } });
  const file = await saveSnapshot(a, token);
  await call(a, "sys/rotate/root", { token, body: {} });
  await call(a, "sys/rotate", { token, body: {} });
  const { id: own, state } = await load(a, token, file);
  assertEquals(state, "ready");
  assertEquals((await look(a, token, "one/x", own)).at("data", "value"), "of a");

  await call(z, "sys/mounts/one", { token: other.token, body: { type: "kv" } });
  const foreign = await load(z, other.token, file);
  assertEquals(foreign.state, "sealed");
  assertEquals((await look(z, other.token, "one/x", foreign.id)).status, 400);
  const unseal = `${base}/${foreign.id}/unseal`;
  const wrong = await api(z.address, unseal, { token: other.token, body: { key: other.key } });
  assertEquals(wrong.status, 400);
  const opened = await call(z, unseal, { token: other.token, body: { key } });
  assertEquals(opened.at("data", "status"), "ready");
  assertEquals((await look(z, other.token, "one/x", foreign.id)).at("data", "value"), "of a");
  assertEquals((await recover(z, other.token, "one/x", foreign.id)).status, 204);
  assertEquals((await call(z, "one/x", { token: other.token })).at("data", "value"), "of a");
});

Deno.test("any node of a cluster takes the requests; who leads next says that it must be loaded again", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { token, nodes } = cluster;
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  await eventually(async () => await voters(a, token) === 3);
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  await call(a, "one/x", { token, body: { value: "then" } });
  const file = await saveSnapshot(a, token);
  await call(a, "one/x", { token, body: { value: "now" } });
  const { id } = await load(b, token, file);
  assertEquals((await look(b, token, "one/x", id)).at("data", "value"), "then");
  assertEquals((await api(b.address, base, { token, method: "LIST" })).at("data", "keys"), [id]);
  assertEquals((await recover(b, token, "one/x", id, { method: "RECOVER" })).status, 204);
  await eventually(async () => (await call(b, "one/x", { token })).at("data", "value") === "then");
  await kill(a);
  await eventually(async () => (await activeOf(nodes)) !== undefined);
  await eventually(async () => {
    const told = await api(b.address, `${base}/${id}`, { token });
    return told.at("data", "status") === "error";
  });
  assertEquals((await look(b, token, "one/x", id)).status, 400);
  const loaded = await load(b, token, file);
  assertEquals(loaded.state, "ready");
  assertEquals((await look(b, token, "one/x", loaded.id)).at("data", "value"), "then");
});

Deno.test("a snapshot that was made automatically is loaded by its url, and no other file is", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await ready(a, token);
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  await call(a, "one/x", { token, body: { value: "then" } });
  const settings = {
    storage_type: "local",
    interval: "24h",
    path_prefix: `${folder.path}/backups`,
    local_max_space: 1e9,
  };
  await call(a, "sys/storage/raft/snapshot-auto/config/d", { token, body: settings });
  let url = "";
  await eventually(async () => {
    const status = await call(a, "sys/storage/raft/snapshot-auto/status/d", { token });
    url = String(status.at("data", "last_snapshot_url") ?? "");
    return url !== "" && status.at("data", "last_success_time") !== "";
  });
  const path = "sys/storage/raft/snapshot-auto/snapshot-load/d";
  const others = [`${url}x`, "file:///etc/passwd", url.replace("/backups/", "/")];
  for (const other of others) {
    assertEquals((await api(a.address, path, { token, body: { url: other } })).status, 400);
  }
  const loaded = await call(a, path, { token, body: { url } });
  assertEquals(loaded.at("data", "status"), "ready");
  assertEquals(loaded.at("data", "auto_config_name"), "d");
  const id = String(loaded.at("data", "snapshot_id"));
  assertEquals((await look(a, token, "one/x", id)).at("data", "value"), "then");
});
