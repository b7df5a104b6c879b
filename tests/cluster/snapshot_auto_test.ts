/** Automated snapshots of real nodes: made, verified, rotated, restored, and taken over by the next leader. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import {
  activeOf,
  call,
  type ClusterNode,
  kill,
  makeCluster,
  makeNode,
  start,
} from "./process_kit.ts";

const root = "sys/storage/raft/snapshot-auto";

function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** The status once a snapshot that was asked for by the last write has ended. */
async function madeAfter(node: ClusterNode, token: string, before: string): Promise<string> {
  let last = before;
  await eventually(async () => {
    const told = await api(node.address, `${root}/status/daily`, { token });
    last = String(told.at("data", "last_success_time") ?? "");
    return last !== "" && last !== before;
  });
  return last;
}

async function ready(node: ClusterNode, token: string): Promise<void> {
  await eventually(async () => (await api(node.address, "sys/mounts", { token })).status === 200);
}

Deno.test("a local snapshot is verified, rotated, shown, and restores a new node", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a], key } = cluster;
  assert(a !== undefined);
  await ready(a, token);
  await call(a, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  await call(a, "secret/x", { token, body: { value: "kept" } });
  const backups = `${folder.path}/backups`;
  await Deno.mkdir(backups);
  await Deno.writeTextFile(`${backups}/note.txt`, "not ours");
  const body = {
    storage_type: "local",
    interval: "24h",
    retain: 2,
    path_prefix: backups,
    local_max_space: 100_000_000,
  };
  assertEquals((await call(a, `${root}/config/daily`, { token, body })).status, 204);
  let last = await madeAfter(a, token, "");
  for (let i = 0; i < 2; i++) {
    await call(a, `${root}/config/daily`, { token, body: { retain: 2 } });
    last = await madeAfter(a, token, last);
  }
  const made = files(backups);
  assertEquals(made.length, 3, made.join());
  const newest = made.at(-1) ?? "";
  assert(/^vault-snapshot-\d{19}\.snap$/.test(newest), newest);
  assertEquals((Deno.statSync(`${backups}/${newest}`).mode ?? 0) & 0o777, 0o600);
  const status = await call(a, `${root}/status/daily`, { token });
  assertEquals(status.at("data", "last_snapshot_url"), `file://${backups}/${newest}`);
  assertEquals(status.at("data", "last_snapshot_error"), "");
  const config = await call(a, `${root}/config/daily`, { token });
  assertEquals([config.at("data", "interval"), config.at("data", "retain")], [86_400, 2]);
  const listed = await call(a, `${root}/config`, { token, method: "LIST" });
  assertEquals(listed.at("data", "keys", 0), "daily");
  const headers = { "x-vault-token": token };
  const metrics = await fetch(`${a.address}/v1/sys/metrics?format=prometheus`, { headers });
  const text = await metrics.text();
  for (
    const name of [
      "snapshot_auto_last_success_time_seconds",
      "autosnapshots_snapshot_size",
      "autosnapshots_percent_maxspace_used",
    ]
  ) assertStringIncludes(text, `${name}{`);
  assertStringIncludes(text, 'snapshot_config_name="daily"');

  const fresh = await makeNode(folder.path, "n");
  await start(fresh);
  const file = await Deno.readFile(`${backups}/${newest}`);
  const url = `${fresh.address}/v1/sys/storage/raft/snapshot`;
  const restored = await fetch(url, { method: "POST", body: file });
  assertEquals(restored.status, 200, await restored.text());
  await call(fresh, "sys/unseal", { body: { key } });
  await eventually(async () =>
    (await api(fresh.address, "secret/x", { token })).at("data", "value") === "kept"
  );
  await kill(fresh);
});

Deno.test("what can't work is refused or tells so, and changes nothing", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await ready(a, token);
  const good = {
    storage_type: "local",
    interval: 3600,
    path_prefix: `${folder.path}/b`,
    local_max_space: 10,
  };
  const bad: [Record<string, unknown>, string][] = [
    [{ interval: 1 }, "interval must be at least"],
    [{ retain: 0 }, "retain must be"],
    [{ path_prefix: "relative" }, "absolute"],
    [{ storage_type: "ftp" }, "not in this build"],
    [{ file_prefix: "../x" }, "file_prefix"],
    [{ local_max_space: "much" }, "local_max_space"],
    [{ autoload_enabled: true }, "autoload_enabled"],
    [{ storage_type: "aws-s3" }, "missing aws_s3_bucket"],
  ];
  for (const [change, reason] of bad) {
    const body = { ...good, ...change };
    const refused = await api(a.address, `${root}/config/daily`, { token, body });
    assertEquals(refused.status, 400, JSON.stringify(change));
    assertStringIncludes(String(refused.at("errors", 0)), reason);
  }
  assertEquals((await api(a.address, `${root}/config/daily`, { token })).status, 404);
  assertEquals((await api(a.address, `${root}/status/daily`, { token })).status, 404);
  await call(a, `${root}/config/daily`, { token, body: good });
  await eventually(async () => {
    const told = await api(a.address, `${root}/status/daily`, { token });
    return String(told.at("data", "last_snapshot_error")).includes("does not fit") &&
      String(told.at("warnings", 0)).includes("last good backup never");
  });
  await eventually(() => a.process?.output().includes("last_good=never") ?? false);
  assertEquals(files(`${folder.path}/b`), []);
  assertEquals(
    (await call(a, `${root}/config/daily`, { token, method: "DELETE" })).status,
    204,
  );
  assertEquals((await api(a.address, `${root}/config/daily`, { token })).status, 404);
});

Deno.test("settings are for those with sudo, the status for those who may read it", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await ready(a, token);
  const body = {
    storage_type: "local",
    interval: 3600,
    path_prefix: `${folder.path}/b`,
    local_max_space: 100_000_000,
  };
  await call(a, `${root}/config/daily`, { token, body });
  await madeAfter(a, token, "");
  const policy = `path "${root}/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "${root}/config" { capabilities = ["list"] }`;
  await call(a, "sys/policies/acl/reader", { token, body: { policy } });
  const made = await call(a, "auth/token/create", { token, body: { policies: ["reader"] } });
  const reader = String(made.at("auth", "client_token"));
  const status = async (path: string, options: { method?: string; body?: unknown } = {}) =>
    (await api(a.address, `${root}/${path}`, { token: reader, ...options })).status;
  assertEquals(await status("status/daily"), 200);
  assertEquals(await status("config/daily"), 403);
  assertEquals(await status("config/daily", { body: { retain: 9 } }), 403);
  assertEquals(await status("config/daily", { method: "DELETE" }), 403);
  assertEquals(await status("config", { method: "LIST" }), 403);
  assertEquals(await status("config/", { method: "LIST" }), 403);
});

Deno.test("the next leader goes on where the last one stopped, and no snapshot is made twice", async () => {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { token, nodes } = cluster;
  const [a] = nodes;
  assert(a !== undefined);
  await ready(a, token);
  const backups = `${folder.path}/backups`;
  const body = {
    storage_type: "local",
    interval: "10s",
    retain: 5,
    path_prefix: backups,
    local_max_space: 100_000_000,
  };
  await call(a, `${root}/config/daily`, { token, body });
  const first = await madeAfter(a, token, "");
  await kill(a);
  const others = nodes.slice(1);
  await eventually(async () => (await activeOf(others)) !== undefined);
  const leader = await activeOf(others);
  assert(leader !== undefined);
  await ready(leader, token);
  assertEquals(files(backups).length, 1);
  // Standbys pass the question on.
  for (const node of others) {
    const told = await api(node.address, `${root}/status/daily`, { token });
    assertEquals(told.at("data", "last_success_time"), first);
  }
  // The interval goes on across the change: two of it are never nearer than that.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await madeAfter(leader, token, first);
  const [one = "", two = ""] = files(backups).map((name) => name.replace(/\D/g, ""));
  const apart = Number((BigInt(two) - BigInt(one)) / 1_000_000n);
  assert(apart >= 10_000 && apart < 20_000, `${apart} ms`);
});
