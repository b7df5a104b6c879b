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

/** Makes the recovery token of a node whose key is one. */
async function recoveryToken(address: string, folder: string, key: string): Promise<string> {
  const begun = await generate(address, folder, "-init");
  const done = await generate(address, folder, `-nonce=${begun.nonce}`, key);
  const words = [`-decode=${done.encoded_token}`, `-otp=${begun.otp}`];
  return String((await generate(address, folder, ...words)).token);
}

/** Runs a command to its end. */
async function cli(env: Record<string, string>, ...args: string[]) {
  await using run = spawn(args, env);
  const code = await run.ended;
  return { code, text: run.output() };
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
    const junk = await api(address, `sys/raw/${broken}`, {
      token,
      body: { value: "{junk", force: true },
    });
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

Deno.test("operator raw names the damage, refuses more of it, takes it back, and leaves a record", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  const path = await config(folder.path, port);
  let key = "";
  let root = "";
  let entry = "";
  {
    await using server = await startServer(path);
    const made = await api(address, "sys/init", {
      body: { secret_shares: 1, secret_threshold: 1 },
    });
    key = String(made.at("keys_base64", 0));
    root = String(made.at("root_token"));
    await unsealAll(address, [key]);
    const token = root;
    await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
    await api(address, "sys/mounts/secret", { token, body: { type: "kv" } });
    await api(address, "secret/a", { token, body: { x: "kept" } });
    const uuid = (await api(address, "sys/mounts", { token })).at("data", "secret/", "uuid");
    entry = `core/mounts/${uuid}`;
    const refused = await api(address, `sys/raw/${entry}`, { token, body: { value: "{}" } });
    assertEquals(refused.status, 400);
    assert(String(refused.at("errors", 0)).includes("uuid is missing"));
    assertEquals((await api(address, "sys/raw-undo", { token, method: "PUT" })).status, 404);
    const body = { value: '{"type": "hunter2"', force: true };
    assertEquals((await api(address, `sys/raw/${entry}`, { token, body })).status, 204);
    await end(server);
  }
  {
    await using server = await startRecovery(path);
    const env: Record<string, string> = { VAULT_ADDR: address, HOME: folder.path };
    const status = await cli({ ...env, VAULT_TOKEN: "none" }, "status");
    assertMatch(status.text, /Recovery Mode +true/);
    const file = /Recovery Audit File +(\S+)/.exec(status.text)?.[1] ?? "";
    assert(server.output().includes(file), "the log names the file");
    const early = await cli({ ...env, VAULT_TOKEN: root }, "operator", "raw", "check");
    assertEquals(early.code, 2);
    const token = await recoveryToken(address, folder.path, key);
    const raw = (...args: string[]) =>
      cli({ ...env, VAULT_TOKEN: token }, "operator", "raw", ...args);

    const damaged = await raw("check");
    assertEquals(damaged.code, 2);
    assert(damaged.text.includes(`${entry}: mount table entry: it is no JSON`), damaged.text);
    assert(damaged.text.includes("A node does not start with it."));
    assert(!damaged.text.includes("hunter2"));
    const broken = await raw("read", entry);
    assertMatch(broken.text, /Type +mount table entry/);
    assertMatch(broken.text, /Readable +no: it is no JSON/);
    assertEquals((await raw("read", "-exact", entry)).text, '{"type": "hunter2"');
    const refused = await raw("write", entry, '{"type": "hunter3"}');
    assertEquals(refused.code, 2);
    assert(refused.text.includes("uuid is missing") && !refused.text.includes("hunter3"));
    assertEquals((await raw("write", "-force", entry, '{"type": "hunter3"}')).code, 0);
    assertEquals((await raw("delete", "core/http-settings")).code, 0);
    const listed = await raw("undo", "-list");
    assertEquals(listed.text.split(entry).length - 1, 2, listed.text);
    for (const told of ["core/http-settings", entry, entry]) {
      const undone = await raw("undo");
      assert(undone.code === 0 && undone.text.includes(`Success! ${told}`), undone.text);
    }
    assertEquals((await raw("undo")).code, 2);
    assertEquals((await raw("check")).code, 0);
    const good = await raw("read", "-format=json", entry);
    assertEquals(JSON.parse(good.text).data.decoded.type, "kv");
    const names = await raw("list", "core/mounts");
    assert(names.text.includes(entry.slice("core/mounts/".length)));
    await end(server);

    const lines = (await Deno.readTextFile(file)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(lines[0].event, "begin");
    assertEquals(lines.at(-1).event, "end");
    assert(lines.some(({ event }) => event === "the recovery token was made"));
    const of = (operation: string, type: string) =>
      lines.filter((line) => line.operation === operation && line.type === type);
    const writes = of("update", "response").filter((line) => line.path === `sys/raw/${entry}`);
    assertEquals(writes.map(({ status, force }) => [status, force]), [[400, false], [200, true]]);
    assertEquals(of("delete", "request").length, 1);
    const text = JSON.stringify(lines);
    for (const secret of ["hunter", token, key, root]) assert(!text.includes(secret), secret);
    assert(lines.some(({ status, path }) => status === 403 && path === "sys/raw-check"));
    assertEquals(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  }
  await using _server = await startServer(path);
  await unsealAll(address, [key]);
  await eventually(async () => (await api(address, "secret/a", { token: root })).status === 200);
});
