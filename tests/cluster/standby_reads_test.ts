/** Standbys answer reads themselves, and nothing that is older than its request. */
import { assert, assertEquals } from "@std/assert";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { call, type Cluster, type ClusterNode, kill, makeCluster, settled } from "./process_kit.ts";

async function prepared(
  path: string,
  more = "",
): Promise<Cluster & { standbys: ClusterNode[] }> {
  const cluster = await makeCluster(path, ["a", "b", "c"], { more });
  const { nodes, token } = cluster;
  const leader = await settled(nodes);
  await call(leader, "sys/mounts/secret", { token, body: { type: "kv" }, method: "POST" });
  const standbys = nodes.filter((node) => node !== leader);
  for (const { process } of standbys) await process?.saw("this standby answers reads");
  return Object.assign(cluster, { standbys });
}

/** Reads that a node has answered as a standby, as it tells of itself. */
async function readsAt(node: ClusterNode, token: string): Promise<number> {
  const headers = { "x-vault-token": token };
  const url = `${node.address}/v1/sys/metrics?format=prometheus`;
  const text = await (await fetch(url, { headers })).text();
  return Number(/^vault_core_standby_reads (\d+)/m.exec(text)?.[1] ?? 0);
}

Deno.test("standbys answer reads, and writes at the leader show in them at once", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys, token } = cluster;
  const leader = await settled(nodes);
  for (let value = 1; value <= 50; value++) {
    await call(leader, "secret/x", { token, body: { value } });
    for (const node of standbys) {
      const answer = await call(node, "secret/x", { token });
      assertEquals(answer.at("data", "value"), value);
    }
  }
  for (const node of standbys) assert(await readsAt(node, token) >= 50);
});

Deno.test("what is revoked, changed or unmounted at the leader is so at the standbys", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [standby], token } = cluster;
  const leader = await settled(nodes);
  assert(standby !== undefined);
  await call(leader, "secret/x", { token, body: { value: 1 } });
  const policy = (text: string) =>
    call(leader, "sys/policies/acl/p", { token, body: { policy: text } });
  const status = async (path: string, using: string) =>
    (await api(standby.address, path, { token: using })).status;
  await policy(`path "secret/*" { capabilities = ["read"] }`);
  for (let round = 0; round < 10; round++) {
    const made = await call(leader, "auth/token/create", { token, body: { policies: ["p"] } });
    const own = String(made.at("auth", "client_token"));
    assertEquals(await status("secret/x", own), 200);
    await policy(`path "other/*" { capabilities = ["read"] }`);
    assertEquals(await status("secret/x", own), 403);
    await policy(`path "secret/*" { capabilities = ["read"] }`);
    assertEquals(await status("secret/x", own), 200);
    await call(leader, "auth/token/revoke", { token, body: { token: own } });
    assertEquals(await status("secret/x", own), 403);
    await call(leader, "sys/mounts/other", { token, body: { type: "kv" }, method: "POST" });
    await call(leader, "other/x", { token, body: { value: 1 } });
    assertEquals(await status("other/x", token), 200);
    await call(leader, "sys/rotate", { token, method: "PUT" });
    await call(leader, "secret/x", { token, body: { value: round } });
    assertEquals(await status("secret/x", token), 200);
    await call(leader, "sys/mounts/other", { token, method: "DELETE" });
    assertEquals(await status("other/x", token), 404);
  }
  assert(await readsAt(standby, token) >= 50);
});

Deno.test("what must be written is done by the active node: limited uses, logins, wrapping", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { standbys: [standby], token } = cluster;
  assert(standby !== undefined);
  await call(standby, "secret/x", { token, body: { value: 1 } });
  const body = { policies: ["root"], num_uses: 2 };
  const made = await call(standby, "auth/token/create", { token, body });
  const own = String(made.at("auth", "client_token"));
  const status = async () => (await api(standby.address, "secret/x", { token: own })).status;
  assertEquals([await status(), await status(), await status()], [200, 200, 403]);
  const headers = { "x-vault-token": token, "x-vault-wrap-ttl": "60" };
  const wrapped = await (await fetch(`${standby.address}/v1/secret/x`, { headers })).json();
  assert(typeof wrapped.wrap_info.token === "string");
});

/** Of a read; 0 where none comes soon. */
async function statusOf(node: ClusterNode, token: string): Promise<number> {
  try {
    const response = await fetch(`${node.address}/v1/secret/x`, {
      headers: { "x-vault-token": token },
      signal: AbortSignal.timeout(8000),
      redirect: "manual",
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

Deno.test("a standby that hears of no quorum answers no read", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [standby], token } = cluster;
  assert(standby !== undefined);
  await call(standby, "secret/x", { token, body: { value: 1 } });
  const others = nodes.filter((node) => node !== standby);
  for (const { process } of others) process?.signal("SIGSTOP");
  const asked = await Promise.all([1, 2, 3].map(() => statusOf(standby, token)));
  assert(asked.every((status) => status !== 200), String(asked));
  for (const { process } of others) process?.signal("SIGCONT");
  await eventually(async () => (await api(standby.address, "secret/x", { token })).status === 200);
});

Deno.test("X-Vault-Index comes with answers, and a made-up one is refused", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [standby], token } = cluster;
  assert(standby !== undefined);
  const leader = await settled(nodes);
  const ask = (node: ClusterNode, headers: Record<string, string>, init: RequestInit = {}) =>
    fetch(`${node.address}/v1/secret/x`, {
      ...init,
      headers: { "x-vault-token": token, ...headers },
    });
  const written = await ask(leader, {}, { method: "PUT", body: `{"value":1}` });
  await written.body?.cancel();
  const index = written.headers.get("x-vault-index") ?? "";
  assert(atob(index).startsWith("v1:"));
  const read = await ask(standby, { "x-vault-index": index });
  assertEquals(read.status, 200);
  await read.body?.cancel();
  const forged = btoa(atob(index).replace(/:\d+:\d+:/, ":99999999:99999999:"));
  const refused = await ask(standby, { "x-vault-index": forged });
  assertEquals(refused.status, 400);
  await refused.body?.cancel();
});

Deno.test("with standby_max_staleness an older proof will do, and no older one", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path, `standby_max_staleness = "3s"`);
  const { nodes, standbys: [standby], token } = cluster;
  assert(standby !== undefined);
  await call(standby, "secret/x", { token, body: { value: 1 } });
  await call(standby, "secret/x", { token });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await call(standby, "secret/x", { token });
  const others = nodes.filter((node) => node !== standby);
  for (const { process } of others) process?.signal("SIGSTOP");
  assertEquals(await statusOf(standby, token), 200);
  await new Promise((resolve) => setTimeout(resolve, 3500));
  assert(await statusOf(standby, token) !== 200);
  for (const { process } of others) process?.signal("SIGCONT");
  await eventually(async () => (await api(standby.address, "secret/x", { token })).status === 200);
});

Deno.test("with disable_standby_reads a standby passes reads on", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path, "disable_standby_reads = true");
  const { standbys: [standby], token } = cluster;
  assert(standby !== undefined);
  await call(standby, "secret/x", { token, body: { value: 1 } });
  assertEquals((await call(standby, "secret/x", { token })).at("data", "value"), 1);
  const metrics = await fetch(`${standby.address}/v1/sys/metrics`, {
    headers: { "x-vault-token": token },
    redirect: "manual",
  });
  assertEquals(metrics.status, 307);
  await metrics.body?.cancel();
});

Deno.test("standbys encrypt, decrypt and sign, with what the leader makes of the key", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [standby], token } = cluster;
  const leader = await settled(nodes);
  assert(standby !== undefined);
  const body = { plaintext: "YQ==" };
  await call(leader, "sys/mounts/transit", { token, body: { type: "transit" }, method: "POST" });
  await call(leader, "transit/keys/k", { token, body: {} });
  const encrypted = async (key: string) =>
    String(
      (await call(standby, `transit/encrypt/${key}`, { token, body })).at("data", "ciphertext"),
    );
  const before = await readsAt(standby, token);
  for (let version = 1; version <= 20; version++) {
    const ciphertext = await encrypted("k");
    assertEquals(ciphertext.split(":")[1], `v${version}`);
    const answer = await call(standby, "transit/decrypt/k", { token, body: { ciphertext } });
    assertEquals(answer.at("data", "plaintext"), "YQ==");
    await call(leader, "transit/keys/k/rotate", { token, body: {} });
  }
  assert(await readsAt(standby, token) >= before + 40);
  // What makes a key is passed on, and the key is there at once.
  const ciphertext = await encrypted("new");
  const answer = await call(leader, "transit/decrypt/new", { token, body: { ciphertext } });
  assertEquals(answer.at("data", "plaintext"), "YQ==");
});

Deno.test("reads go on at every node while the active role goes from one to another", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, token } = cluster;
  await call(await settled(nodes), "secret/x", { token, body: { value: 1 } });
  const stop = new AbortController();
  let read = 0;
  const failed: number[] = [];
  const readers = nodes.map(async (node) => {
    while (!stop.signal.aborted) {
      const { status } = await api(node.address, "secret/x", { token });
      if (status === 200) read++;
      else failed.push(status);
    }
  });
  for (let round = 0; round < 4; round++) {
    const before = await settled(nodes);
    await call(before, "sys/step-down", { token, method: "PUT" });
    await eventually(async () => (await settled(nodes)) !== before);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  stop.abort();
  await Promise.all(readers);
  assertEquals(failed, []);
  assert(read > 100);
});

Deno.test("standbys issue certificates that are not kept, and pass on all others", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [standby], token } = cluster;
  const leader = await settled(nodes);
  assert(standby !== undefined);
  await call(leader, "sys/mounts/pki", { token, body: { type: "pki" }, method: "POST" });
  const root = { common_name: "Root", key_type: "ec" };
  await call(leader, "pki/root/generate/internal", { token, body: root });
  const role = { allow_any_name: true, key_type: "ec", ttl: "1h" };
  await call(leader, "pki/roles/kept", { token, body: role });
  await call(leader, "pki/roles/free", { token, body: { ...role, no_store: true } });
  const issue = async (name: string) => {
    const answer = await call(standby, `pki/issue/${name}`, {
      token,
      body: { common_name: "a.b" },
    });
    return String(answer.at("data", "serial_number"));
  };
  const before = await readsAt(standby, token);
  for (let i = 0; i < 10; i++) await issue("free");
  assert(await readsAt(standby, token) >= before + 10);
  const serial = await issue("kept");
  const revoked = await call(standby, "pki/revoke", { token, body: { serial_number: serial } });
  assertEquals(revoked.at("data", "state"), "revoked");
  const read = await call(standby, `pki/cert/${serial}`, { token });
  assert(Number(read.at("data", "revocation_time")) > 0);
});

/** The audit files that a node has open. */
function openLogs(node: ClusterNode, folder: string): string[] {
  const fds = `/proc/${node.process?.pid}/fd`;
  const found: string[] = [];
  for (const { name } of Deno.readDirSync(fds)) {
    try {
      const path = Deno.readLinkSync(`${fds}/${name}`);
      if (path.startsWith(`${folder}/audit.log`)) found.push(path);
    } catch (error) {
      // It was closed meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

Deno.test("a standby's audit file that was moved away is opened anew on SIGHUP, without a request", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [standby], token } = cluster;
  const leader = await settled(nodes);
  assert(standby !== undefined);
  const path = `${folder.path}/audit.log`;
  const device = { type: "file", options: { file_path: path } };
  await call(leader, "sys/audit/f", { token, body: device });
  await call(leader, "secret/x", { token, body: { value: 1 } });
  await eventually(async () => {
    await call(standby, "secret/x", { token });
    return openLogs(standby, folder.path).includes(path);
  });
  await Deno.rename(path, `${path}.1`);
  assertEquals(openLogs(standby, folder.path), [`${path}.1`]);
  standby.process?.signal("SIGHUP");
  await eventually(() => openLogs(standby, folder.path).join() === path);
});

Deno.test("while nobody is active, a client is told to come again soon", async () => {
  await using folder = await scratch();
  await using cluster = await prepared(folder.path);
  const { nodes, standbys: [left], token } = cluster;
  assert(left !== undefined);
  for (const node of nodes) if (node !== left) await kill(node);
  const body = { value: 1 };
  const answer = await api(left.address, "secret/x", { token, body });
  assertEquals([answer.status, answer.headers.get("retry-after")], [503, "1"]);
});
