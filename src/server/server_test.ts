/** A server as its owner meets it: started, stopped, killed, started again. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isThere } from "../base/files.ts";
import { api, bringUp, eventually, freePort, scratch, spawn, startServer } from "./testing.ts";

function raftConfig(folder: string, port: number, more = ""): string {
  return `storage "raft" { path = "${folder}/data" }
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
cluster_addr = "http://127.0.0.1:${port + 1}"
pid_file = "${folder}/pid"
${more}
`;
}

Deno.test("what is stored is there after a stop and after a kill", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  const path = `${folder.path}/a.hcl`;
  await Deno.writeTextFile(path, raftConfig(folder.path, port));
  let secret = { key: "", token: "" };
  {
    await using server = await startServer(path);
    assertStringIncludes(server.output(), "Storage: raft (HA available)");
    assertEquals(await Deno.readTextFile(`${folder.path}/pid`), String(server.pid));
    secret = await bringUp(address);
    const { token } = secret;
    assertEquals(
      (await api(address, "sys/mounts/kv", { token, body: { type: "kv" } })).status,
      204,
    );
    assertEquals((await api(address, "kv/a", { token, body: { n: 1 } })).status, 204);
    server.signal("SIGINT");
    assertEquals(await server.ended, 0);
    assertStringIncludes(server.output(), "shutdown triggered");
    await eventually(async () => !(await isThere(`${folder.path}/pid`)));
  }
  {
    await using server = await startServer(path);
    assertEquals((await api(address, "kv/a", { token: secret.token })).status, 503);
    await api(address, "sys/unseal", { body: { key: secret.key } });
    assertEquals((await api(address, "kv/a", { token: secret.token })).at("data"), { n: 1 });
    await api(address, "kv/a", { token: secret.token, body: { n: 2 } });
    server.signal("SIGKILL");
    await server.ended;
  }
  await using _server = await startServer(path);
  await api(address, "sys/unseal", { body: { key: secret.key } });
  assertEquals((await api(address, "kv/a", { token: secret.token })).at("data"), { n: 2 });
});

Deno.test("requests under way when the server is told to stop are answered", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  await Deno.writeTextFile(`${folder.path}/a.hcl`, raftConfig(folder.path, port));
  await using server = await startServer(`${folder.path}/a.hcl`);
  const { token, key } = await bringUp(address);
  await api(address, "sys/mounts/kv", { token, body: { type: "kv" } });
  let acknowledged = -1;
  const writing = (async () => {
    for (let i = 0;; i++) {
      try {
        const { status } = await api(address, "kv/n", { token, body: { n: i } });
        if (status !== 204) return;
      } catch (error) {
        assert(error instanceof TypeError);
        return;
      }
      acknowledged = i;
    }
  })();
  await eventually(() => acknowledged > 20);
  server.signal("SIGTERM");
  assertEquals(await server.ended, 0);
  await writing;
  await using _again = await startServer(`${folder.path}/a.hcl`);
  await api(address, "sys/unseal", { body: { key } });
  const n = (await api(address, "kv/n", { token })).at("data", "n");
  assert(n === acknowledged || n === acknowledged + 1, `${n} after ${acknowledged}`);
});

Deno.test("a second process is refused the directory and the port", async () => {
  await using folder = await scratch();
  const port = freePort();
  await Deno.writeTextFile(`${folder.path}/a.hcl`, raftConfig(folder.path, port));
  await Deno.writeTextFile(
    `${folder.path}/b.hcl`,
    `storage "inmem" {}\nlistener "tcp" {\n address = "127.0.0.1:${port}"\n tls_disable = 1\n}\n`,
  );
  await using _server = await startServer(`${folder.path}/a.hcl`);
  await using second = spawn(["server", `-config=${folder.path}/a.hcl`]);
  assertEquals(await second.ended, 1);
  assertMatch(second.output(), /Error: the data directory .* is in use by another process/);
  await using third = spawn(["server", `-config=${folder.path}/b.hcl`]);
  assertEquals(await third.ended, 1);
  assertStringIncludes(third.output(), `can't listen on 127.0.0.1:${port}: it is in use`);
});

Deno.test("mistakes in a configuration are told with their place", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/a.hcl`;
  await Deno.writeTextFile(
    path,
    'storage "inmem" {}\nlistener "tcp" {\n tls_disable = "maybe"\n}\n',
  );
  await using wrong = spawn(["server", `-config=${path}`]);
  assertEquals(await wrong.ended, 1);
  assertStringIncludes(wrong.output(), `${path}:3:`);
  await Deno.writeTextFile(path, `${raftConfig(folder.path, 23998)}\napi_adr = "x"\n`);
  await using good = spawn(["server", `-config=${path}`, "-test"]);
  assertEquals(await good.ended, 0);
  assertMatch(good.output(), /:\d+:1: unknown key "api_adr".*did you mean "api_addr"/i);
});

Deno.test("a reload applies what it can and lists what it can't", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  const path = `${folder.path}/a.hcl`;
  await Deno.writeTextFile(path, raftConfig(folder.path, port));
  await using server = await startServer(path);
  assertEquals((await api(address, "sys/seal-status")).headers.get("x-site"), null);
  await Deno.writeTextFile(
    path,
    raftConfig(folder.path, port, 'log_level = "debug"\ncluster_name = "other"').replace(
      "tls_disable = true",
      'tls_disable = true\n custom_response_headers {\n "default" = { "X-Site" = ["b"] }\n }',
    ),
  );
  server.signal("SIGHUP");
  await server.saw(/applied=.*log_level/);
  assertMatch(server.output(), /applied=.*listener\[0\]\.custom_response_headers/);
  assertMatch(server.output(), /wait for a restart settings=cluster_name/);
  assertEquals((await api(address, "sys/seal-status")).headers.get("x-site"), "b");
  await Deno.writeTextFile(path, "storage {");
  server.signal("SIGHUP");
  await server.saw("was not reloaded");
  assertEquals((await api(address, "sys/seal-status")).headers.get("x-site"), "b");
});

Deno.test("the service manager is told of every change", async () => {
  await using folder = await scratch();
  const port = freePort();
  const path = `${folder.path}/a.hcl`;
  const socketPath = `${folder.path}/notify`;
  await Deno.writeTextFile(path, raftConfig(folder.path, port));
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: socketPath });
  const states: string[] = [];
  const receiving = (async () => {
    while (!states.some((state) => state.includes("STOPPING"))) {
      const [bytes] = await socket.receive();
      states.push(new TextDecoder().decode(bytes));
    }
  })();
  await using server = await startServer(path, {
    NOTIFY_SOCKET: socketPath,
    WATCHDOG_USEC: "200000",
  });
  await eventually(() => states.filter((state) => state === "WATCHDOG=1\n").length > 2);
  assert(states.some((state) => state.startsWith("READY=1\n")));
  server.signal("SIGHUP");
  await eventually(() => states.filter((state) => state.startsWith("READY=1\n")).length === 2);
  assertMatch(states.find((state) => state.includes("RELOADING")) ?? "", /MONOTONIC_USEC=\d{6,}/);
  server.signal("SIGTERM");
  await receiving;
  socket.close();
  assertEquals(await server.ended, 0);
});

Deno.test("a log file is JSON where it is asked for, and private", async () => {
  await using folder = await scratch();
  const port = freePort();
  const path = `${folder.path}/a.hcl`;
  const more = `log_file = "${folder.path}/log"\nlog_format = "json"`;
  await Deno.writeTextFile(path, raftConfig(folder.path, port, more));
  await using server = await startServer(path);
  server.signal("SIGTERM");
  await server.ended;
  const lines = (await Deno.readTextFile(`${folder.path}/log`)).trimEnd().split("\n");
  for (const line of lines) assertEquals(typeof JSON.parse(line)["@message"], "string");
  assertEquals(((await Deno.stat(`${folder.path}/log`)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("a disk that fails ends the process, and nothing acknowledged is lost", async () => {
  await using folder = await scratch();
  const port = freePort();
  const address = `http://127.0.0.1:${port}`;
  const path = `${folder.path}/a.hcl`;
  await Deno.writeTextFile(path, raftConfig(folder.path, port));
  // Blocks of half a KiB; a write beyond them is an error once the signal is ignored.
  await using server = await startServer(path, {}, "trap '' XFSZ; ulimit -f 800");
  const { key, token } = await bringUp(address);
  await api(address, "sys/mounts/kv", { token, body: { type: "kv" } });
  let acknowledged = -1;
  for (let i = 0; i < 500; i++) {
    const answer = await api(address, `kv/${i}`, { token, body: { v: "x".repeat(3000) } })
      .catch(() => undefined);
    if (answer?.status !== 204) break;
    acknowledged = i;
  }
  assert(acknowledged >= 0 && acknowledged < 499, server.output());
  assertEquals(await server.ended, 1);
  assertMatch(server.output(), /the storage has failed; the node seals.*log-\d+/);
  await using _again = await startServer(path);
  await api(address, "sys/unseal", { body: { key } });
  for (let i = 0; i <= acknowledged; i++) {
    assertEquals((await api(address, `kv/${i}`, { token })).status, 200);
  }
});

Deno.test("a diagnosis names what is wrong", async () => {
  await using folder = await scratch();
  const port = freePort();
  const path = `${folder.path}/a.hcl`;
  await Deno.writeTextFile(path, raftConfig(folder.path, port, `api_addr = "http://a:1"`));
  const diagnose = async () => {
    await using run = spawn(["operator", "diagnose", `-config=${path}`, "-format=json"]);
    const code = await run.ended;
    return { code, output: run.output() };
  };
  {
    await using server = await startServer(path);
    await bringUp(`http://127.0.0.1:${port}`);
    const running = await diagnose();
    assertEquals(running.code, 2);
    assertStringIncludes(running.output, "in use by another process");
    assertEquals(JSON.parse(running.output).status, "warn");
    // After a kill SQLite's own journal would mend what is damaged here.
    server.signal("SIGTERM");
    await server.ended;
  }
  const state = `${folder.path}/data/state-1.kv`;
  await Deno.writeFile(state, new Uint8Array(4096).fill(7));
  const damaged = await diagnose();
  assertEquals(damaged.code, 1, damaged.output);
  assertStringIncludes(damaged.output, "state-1.kv");
});
