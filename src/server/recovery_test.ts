/** Recovery mode from outside: a node that can't start is repaired, and starts with its data. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { api, eventually, freePort, scratch, spawn, type Spawned, startServer } from "./testing.ts";

async function config(folder: string, port: number): Promise<string> {
  const path = `${folder}/a.hcl`;
  await Deno.mkdir(`${folder}/data`, { recursive: true });
  await Deno.writeTextFile(
    path,
    `raw_storage_endpoint = true
storage "raft" {
  path = "${folder}/data"
}
cluster_addr = "http://127.0.0.1:${port + 1}"
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
`,
  );
  return path;
}

async function startRecovery(configPath: string): Promise<Spawned> {
  const server = spawn(["server", "-recovery", `-config=${configPath}`]);
  await server.saw("server started!");
  return server;
}

async function end(server: Spawned): Promise<void> {
  server.signal("SIGTERM");
  assertEquals(await server.ended, 0);
}

async function unsealAll(address: string, keys: readonly string[]) {
  let last = await api(address, "sys/seal-status");
  for (const key of keys) last = await api(address, "sys/unseal", { body: { key } });
  return last;
}

/** `operator generate-root -recovery-token`, and what it prints as JSON. */
async function generate(address: string, folder: string, ...args: string[]) {
  const env = { VAULT_ADDR: address, VAULT_TOKEN: "none", HOME: folder };
  const words = ["operator", "generate-root", "-recovery-token", "-format=json", ...args];
  await using run = spawn(words, env);
  const code = await run.ended;
  assertEquals(code, 0, run.output());
  const parsed: Record<string, unknown> = JSON.parse(run.output().slice(run.output().indexOf("{")));
  return parsed;
}

Deno.test("a mount table that keeps a node from starting is repaired in recovery mode", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  const path = await config(folder.path, port);
  let keys: string[] = [];
  let root = "";
  let broken = "";
  {
    await using server = await startServer(path);
    const body = { secret_shares: 3, secret_threshold: 2 };
    const made = await api(address, "sys/init", { body });
    keys = [0, 1].map((i) => String(made.at("keys_base64", i)));
    root = String(made.at("root_token"));
    await unsealAll(address, keys);
    const token = root;
    await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
    await api(address, "sys/mounts/secret", { token, body: { type: "kv" } });
    await api(address, "secret/a", { token, body: { x: "kept" } });
    const uuid = (await api(address, "sys/mounts", { token })).at("data", "secret/", "uuid");
    broken = `core/mounts/${uuid}`;
    const before = await api(address, `sys/raw/${broken}`, { token });
    const value = String(before.at("data", "value"));
    await api(address, "sys/raw/test/backup", { token, body: { value } });
    const junk = await api(address, `sys/raw/${broken}`, { token, body: { value: "{junk" } });
    assertEquals(junk.status, 204);
    await end(server);
  }
  {
    await using server = await startServer(path);
    const refused = await unsealAll(address, keys);
    assertEquals(refused.status, 500);
    assert(String(refused.at("errors", 0)).includes(broken), String(refused.at("errors", 0)));
    assertEquals((await api(address, "sys/seal-status")).at("sealed"), true);
    await end(server);
  }
  let recoveryToken = "";
  {
    await using server = await startRecovery(path);
    assertMatch(server.output(), /Recovery Mode: true/);
    const early = await api(address, "sys/raw/core?list=true", { token: root });
    assertEquals(early.status, 403);
    const other = await api(address, "secret/a", { token: root });
    assertEquals(other.status, 503);
    assert(String(other.at("errors", 0)).includes("recovery mode"));
    assertEquals((await unsealAll(address, keys)).status, 503);

    const begun = await generate(address, folder.path, "-init");
    assertEquals(begun.otp_length, 28);
    const nonce = `-nonce=${begun.nonce}`;
    await generate(address, folder.path, nonce, keys[0] ?? "");
    const done = await generate(address, folder.path, nonce, keys[1] ?? "");
    assertEquals(done.complete, true);
    const decoded = await generate(
      address,
      folder.path,
      `-decode=${done.encoded_token}`,
      `-otp=${begun.otp}`,
    );
    recoveryToken = String(decoded.token);
    assertMatch(recoveryToken, /^hvr\.[A-Za-z0-9]{24}$/);
    const again = await api(address, "sys/generate-recovery-token/attempt", { body: {} });
    assertEquals(again.status, 400, "one token a session");

    const token = recoveryToken;
    const wrong = `${token.slice(0, -1)}${token.endsWith("a") ? "b" : "a"}`;
    assertEquals((await api(address, `sys/raw/${broken}`, { token: wrong })).status, 403);
    assertEquals((await api(address, `sys/raw/${broken}`, {})).status, 403);
    const listed = await api(address, "sys/raw/core/mounts?list=true", { token });
    const names = listed.at("data", "keys");
    assert(Array.isArray(names) && names.includes(broken.slice("core/mounts/".length)));
    assertEquals(
      (await api(address, `sys/raw/${broken}`, { token })).at("data", "value"),
      "{junk",
    );
    const value = String(
      (await api(address, "sys/raw/test/backup", { token })).at("data", "value"),
    );
    const written = await api(address, `sys/raw/${broken}`, { token, body: { value } });
    assertEquals(written.status, 204);
    const gone = await api(address, "sys/raw/test/backup", { token, method: "DELETE" });
    assertEquals(gone.status, 204);
    assertEquals((await api(address, "sys/raw/test/backup", { token })).status, 404);
    assertEquals((await api(address, "sys/mounts", { token })).status, 503);
    assert(!server.output().includes(token));
    await end(server);
  }
  {
    await using server = await startRecovery(path);
    const old = await api(address, `sys/raw/${broken}`, { token: recoveryToken });
    assertEquals(old.status, 403, "the token ends with the process");
    await end(server);
  }
  await using _server = await startServer(path);
  await unsealAll(address, keys);
  await eventually(async () => (await api(address, "secret/a", { token: root })).status === 200);
  assertEquals((await api(address, "secret/a", { token: root })).at("data", "x"), "kept");
  assertEquals((await api(address, "sys/mounts", { token: recoveryToken })).status, 403);
});
