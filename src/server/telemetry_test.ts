/** What a running server tells of itself: real processes, and promtool where it is installed. */
import { assert, assertEquals } from "@std/assert";
import { api, bringUp, eventually, freePort, scratch, startServer } from "./testing.ts";

async function config(folder: string, port: number, listener = "", more = ""): Promise<string> {
  const path = `${folder}/a.hcl`;
  await Deno.writeTextFile(
    path,
    `storage "raft" {
  path = "${folder}/data"
}
cluster_addr = "http://127.0.0.1:${port + 1}"
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
  ${listener}
}
${more}
`,
  );
  await Deno.mkdir(`${folder}/data`, { recursive: true });
  return path;
}

async function text(url: string, headers: HeadersInit = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, body: await response.text() };
}

/** The value of a series; undefined where there is none. */
function value(metrics: string, series: string): number | undefined {
  const line = metrics.split("\n").find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

Deno.test("metrics tell how the node is, sealed and in service", async () => {
  await using folder = await scratch();
  const port = freePort();
  const path = await config(
    folder.path,
    port,
    "telemetry {\n unauthenticated_metrics_access = true\n }",
    "telemetry {\n disable_hostname = true\n}",
  );
  await using _server = await startServer(path);
  const address = `http://127.0.0.1:${port}`;
  const scrape = () => text(`${address}/v1/sys/metrics?format=prometheus`);
  const sealed = await scrape();
  assertEquals(sealed.status, 200);
  assertEquals(value(sealed.body, 'vault_core_unsealed{cluster=""}'), 0);
  const { token } = await bringUp(address);
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  await api(address, "sys/mounts/secret", { token, body: { type: "kv" } });
  for (let i = 0; i < 5; i++) await api(address, "secret/a", { token, body: { x: "y" } });
  await api(address, "auth/token/create", { token, body: { ttl: "1h" } });
  const { body } = await scrape();
  const unsealed = /^vault_core_unsealed\{cluster="[^"]+"\} 1$/m;
  assert(unsealed.test(body), body);
  assertEquals(
    [
      value(body, "vault_route_create_secret__count"),
      value(body, "vault_route_update_secret__count"),
    ].reduce<number>((sum, count) => sum + (count ?? 0), 0),
    5,
  );
  assert((value(body, "vault_core_handle_request_count") ?? 0) >= 7);
  assert((value(body, "vault_raft_storage_disk_bytes") ?? 0) > 0);
  assert((value(body, "vault_barrier_put_count") ?? 0) >= 5);
  // The initialisation opens the node too, to make the root token.
  assertEquals(value(body, "vault_core_unseal_count"), 2);
  assertEquals(value(body, "vault_raft_state_leader"), 1);
  assertEquals(value(body, "vault_raft_transition_leader_lease_timeout"), 0);
  assert((value(body, "vault_token_create_count") ?? 0) >= 1);
  const writes = value(body, "vault_raft_apply") ?? 0;
  assert(writes >= 5, body);
  const batches = value(body, "vault_raft_leader_dispatchLog_count") ?? 0;
  assert(batches > 0 && batches <= writes + 10, `${batches} for ${writes}`);
  assert((value(body, "vault_raft_leader_dispatchLog_sum") ?? 0) > 0);
  assert((value(body, 'vault_barrier_estimated_encryptions{term="1"}') ?? 0) > 5);
  assertEquals(value(body, "vault_core_locked_users"), 0);
  assertEquals(value(body, "vault_expire_job_manager_total_jobs"), 0);
  assert((value(body, "process_resident_memory_bytes") ?? 0) > 1e7);
  assert((value(body, "process_cpu_seconds_total") ?? 0) > 0);
  const age = Date.now() / 1000 - (value(body, "process_start_time_seconds") ?? 0);
  assert(age > 0 && age < 60, `${age}`);
  assert(/^vault_token_creation\{.*creation_ttl="1h".*\} 1$/m.test(body), body);
  await checkWithPromtool(body);
});

/** Complaints about the style of names that are given to us are none. */
async function checkWithPromtool(metrics: string): Promise<void> {
  const program = Deno.env.get("PROMTOOL") ?? "promtool";
  try {
    const child = new Deno.Command(program, {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(metrics));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
    const known =
      /should have "_total" suffix|should not include (metric )?type|use base unit|camelCase|abbreviated units|reserved/;
    const complaints = said.split("\n").filter((line) => line !== "" && !known.test(line));
    assertEquals(complaints, []);
    assert(code === 0 || code === 3, said);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("promtool is not installed: the text was not checked with it");
  }
}

Deno.test("without the listener's leave metrics need a token", async () => {
  await using folder = await scratch();
  const port = freePort();
  await using _server = await startServer(
    await config(folder.path, port, "", "telemetry {\n prometheus_retention_time = 0\n}"),
  );
  const address = `http://127.0.0.1:${port}`;
  assertEquals((await text(`${address}/v1/sys/metrics`)).status, 503);
  const { token } = await bringUp(address);
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  assertEquals((await text(`${address}/v1/sys/metrics`)).status, 403);
  const metrics = await api(address, "sys/metrics", { token });
  const { hostname } = Deno;
  const names = metrics.at("Gauges");
  assert(Array.isArray(names));
  assert(names.some(({ Name }) => Name === `vault.${hostname()}.core.in_flight_requests`));
  const off = await text(`${address}/v1/sys/metrics?format=prometheus`, { "x-vault-token": token });
  assertEquals([off.status, off.body], [400, "prometheus is not enabled"]);
  const inFlight = await text(`${address}/v1/sys/in-flight-req`, { "x-vault-token": token });
  assert(inFlight.body.includes('"request_path":"/v1/sys/in-flight-req"'), inFlight.body);
});

Deno.test("profiles can be taken of a running node, one at a time", async () => {
  await using folder = await scratch();
  const port = freePort();
  await using _server = await startServer(await config(folder.path, port));
  const address = `http://127.0.0.1:${port}`;
  const { token } = await bringUp(address);
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  const [cpu, heap] = await Promise.all([
    api(address, "sys/pprof/profile?seconds=1", { token }),
    api(address, "sys/pprof/heap?seconds=1", { token }),
  ]);
  assertEquals([cpu.status, heap.status].sort(), [200, 429]);
  assert(Array.isArray(cpu.status === 200 ? cpu.at("nodes") : heap.at("samples")));
  assertEquals((await api(address, "sys/pprof/heap?seconds=1", { token })).status, 200);
  assertEquals((await api(address, "sys/pprof/profile?seconds=0", { token })).status, 400);
  assertEquals((await api(address, "sys/pprof/profile?seconds=1")).status, 403);
});

Deno.test("a listener for metrics alone, and one without", async () => {
  await using folder = await scratch();
  const port = freePort();
  const stanza = "telemetry {\n metrics_only = true\n unauthenticated_metrics_access = true\n }";
  const path = await config(folder.path, port, stanza);
  const other = freePort();
  await Deno.writeTextFile(
    `${folder.path}/a.hcl`,
    `${await Deno.readTextFile(path)}
listener "tcp" {
  address = "127.0.0.1:${other}"
  tls_disable = true
  telemetry {
    disallow_metrics = true
  }
}
`,
  );
  await using _server = await startServer(path);
  const status = async (port: number, path: string) =>
    (await text(`http://127.0.0.1:${port}/v1/${path}`)).status;
  assertEquals(await status(port, "sys/metrics"), 200);
  assertEquals(await status(port, "sys/seal-status"), 404);
  assertEquals(await status(other, "sys/seal-status"), 200);
  assertEquals(await status(other, "sys/metrics"), 404);
  assertEquals(await status(other, "sys/%6detrics"), 404);
});

Deno.test("the log can be made to say more, and read along", async () => {
  await using folder = await scratch();
  const port = freePort();
  await using server = await startServer(await config(folder.path, port));
  const address = `http://127.0.0.1:${port}`;
  const { token } = await bringUp(address);
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  const level = async (name: string) =>
    (await api(address, `sys/loggers/${name}`, { token }))
      .at("data", name);
  assertEquals(await level("core"), "info");
  const put = (path: string, level: string) =>
    api(address, `sys/loggers${path}`, { token, body: { level } });
  assertEquals((await put("/core", "loudest")).status, 400);
  assertEquals((await put("/nobody", "debug")).status, 400);
  assertEquals((await put("/core", "debug")).status, 204);
  assertEquals(await level("core"), "debug");
  assertEquals((await put("", "error")).status, 204);
  assertEquals([await level("core"), await level("storage")], ["error", "error"]);
  await api(address, "sys/loggers", { token, method: "DELETE" });
  assertEquals(await level("core"), "info");

  const bad = await api(address, "sys/monitor?log_level=zzz", { token });
  assertEquals(bad.status, 400);
  const monitor = await fetch(`${address}/v1/sys/monitor?log_level=trace&log_format=json`, {
    headers: { "x-vault-token": token },
  });
  const read = monitor.text();
  server.signal("SIGUSR2");
  await server.saw("as asked by SIGUSR2");
  await api(address, "sys/seal", { token, method: "PUT", body: {} });
  const lines = await read;
  assert(lines.includes('"@message":"as asked by SIGUSR2"'), lines);
  assertEquals(monitor.status, 200);
  server.signal("SIGTERM");
  assertEquals(await server.ended, 0);
});

Deno.test("a listener's stanzas open profiles and requests under way, and nothing else", async () => {
  await using folder = await scratch();
  const port = freePort();
  const stanzas = "profiling {\n unauthenticated_pprof_access = true\n }\n" +
    "inflight_requests_logging {\n unauthenticated_in_flight_requests_access = true\n }";
  await using _server = await startServer(await config(folder.path, port, stanzas));
  const address = `http://127.0.0.1:${port}`;
  const profile = () => text(`${address}/v1/sys/pprof/profile?seconds=1`);
  assertEquals((await profile()).status, 200, "also while it is sealed");
  assertEquals((await text(`${address}/v1/sys/in-flight-req`)).status, 503);
  const { token } = await bringUp(address);
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  assertEquals(typeof JSON.parse((await profile()).body).startTime, "number");
  assertEquals((await text(`${address}/v1/sys/in-flight-req`)).body, "{}");
  assertEquals((await text(`${address}/v1/sys/pprof/heap?seconds=0`)).status, 400);
  assertEquals((await text(`${address}/v1/sys/pprof/else`)).status, 404);
  for (const path of ["sys/metrics", "sys/mounts", "sys/host-info"]) {
    assertEquals((await text(`${address}/v1/${path}`)).status, 403, path);
  }
});
