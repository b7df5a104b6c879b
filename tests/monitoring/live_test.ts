/** A real Prometheus scrapes a real node, and alerts when something happens to it. */
import { assert, assertEquals } from "@std/assert";
import {
  api,
  bringUp,
  eventually,
  freePort,
  scratch,
  startServer,
} from "../../src/server/testing.ts";
import { skipUnless } from "../e2e/skip.ts";
import { dashboardExpressions, monitoring, run, seriesOf } from "./tools.ts";

/** Series that come with a TLS listener, and the first scrub of the disk. */
const elsewhere = [
  "vault_listener_certificate_expiry_time_seconds",
  "vault_raft_storage_scrub_last_damages",
];

async function node(folder: string, port: number) {
  const path = `${folder}/holdfast.hcl`;
  await Deno.mkdir(`${folder}/data`);
  await Deno.writeTextFile(
    path,
    `storage "raft" {
  path = "${folder}/data"
}
cluster_addr = "http://127.0.0.1:${port + 1}"
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
telemetry {
  disable_hostname = true
  unauthenticated_metrics_access = true
  usage_gauge_period = "1s"
}
`,
  );
  const server = await startServer(path);
  const { token } = await bringUp(`http://127.0.0.1:${port}`);
  return { server, token };
}

/** The shipped files, quicker: nobody waits for minutes in a test. */
async function startPrometheus(folder: string, target: number, port: number) {
  const config = await Deno.readTextFile(new URL("prometheus.yml", monitoring));
  const rules = await Deno.readTextFile(new URL("alerts.yml", monitoring));
  await Deno.writeTextFile(
    `${folder}/prometheus.yml`,
    config.replaceAll("15s", "250ms").replace("127.0.0.1:8200", `127.0.0.1:${target}`),
  );
  await Deno.writeTextFile(
    `${folder}/alerts.yml`,
    rules.replace(/for: \d+m/g, "for: 0s").replaceAll("15s", "250ms"),
  );
  const child = new Deno.Command("prometheus", {
    args: [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/tsdb`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** What a query finds, as labels and value; nothing while Prometheus starts. */
async function query(port: number, expression: string): Promise<readonly string[]> {
  try {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const response = await fetch(url);
    const { data } = await response.json();
    const found: readonly { metric: Record<string, string>; value: [number, string] }[] =
      data?.result ?? [];
    return found.map(({ metric, value }) => `${metric.alertname ?? ""} ${value[1]}`);
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return [];
    throw error;
  }
}

Deno.test("a real Prometheus sees a node, its blocked audit and its sealing", async (test) => {
  const there = await run("prometheus", ["--version"]);
  if (!skipUnless(test, there !== undefined, "prometheus (apt-get install prometheus)")) return;
  await using folder = await scratch();
  const [port, own] = [freePort(), freePort() + 400];
  const { server, token } = await node(folder.path, port);
  await using _server = server;
  const address = `http://127.0.0.1:${port}`;
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  const body = { type: "file", options: { file_path: `${folder.path}/audit.log` } };
  assertEquals((await api(address, "sys/audit/file", { token, body })).status, 204);
  await api(address, "sys/mounts/secret", { token, body: { type: "kv" } });
  await api(address, "auth/token/create", { token, body: { ttl: "1h" } });
  await backUp(address, token, `${folder.path}/backups`);
  await using _prometheus = await startPrometheus(folder.path, port, own);
  const firing = async (alert: string) =>
    (await query(own, `ALERTS{alertstate="firing",alertname="${alert}"}`)).length > 0;

  await eventually(async () => (await query(own, "vault_core_unsealed == 1")).length === 1);
  await everySeriesExists(own);
  assertEquals(await query(own, 'ALERTS{alertstate="firing"}'), []);

  // The disk of the only device is full: the device becomes /dev/full.
  await Deno.remove(`${folder.path}/audit.log`);
  await Deno.symlink("/dev/full", `${folder.path}/audit.log`);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const refused = await api(address, "sys/mounts", { token });
  assertEquals(refused.status, 500);
  assert(String(refused.at("errors", 0)).includes("device file/: No space left on device"));
  await eventually(() => firing("HoldfastAuditBlocked"));
  await eventually(() => firing("HoldfastAuditDeviceFails"));

  // The way out of it that the runbook tells: room again.
  await Deno.remove(`${folder.path}/audit.log`);
  await eventually(async () => (await api(address, "sys/mounts", { token })).status === 200);
  assertEquals((await api(address, "sys/seal", { token, method: "PUT" })).status, 204);
  await eventually(() => firing("HoldfastSealed"));
  await eventually(() => firing("HoldfastSealChanged"));
});

/** The alert on old backups asks for the time of the last one. */
async function backUp(address: string, token: string, folder: string): Promise<void> {
  const body = {
    storage_type: "local",
    interval: "24h",
    path_prefix: folder,
    local_max_space: 100_000_000,
  };
  const path = "sys/storage/raft/snapshot-auto";
  assertEquals((await api(address, `${path}/config/daily`, { token, body })).status, 204);
  await eventually(async () => {
    const { at } = await api(address, `${path}/status/daily`, { token });
    return at("data", "last_success_time") !== "";
  });
}

async function everySeriesExists(port: number): Promise<void> {
  const rules = await Deno.readTextFile(new URL("alerts.yml", monitoring));
  const names = new Set([...(await dashboardExpressions()), rules].flatMap(seriesOf));
  const missing: string[] = [];
  for (const name of names) {
    if (elsewhere.includes(name) || name === "vault_route_") continue;
    if ((await query(port, `count(${name})`)).length === 0) missing.push(name);
  }
  assertEquals(missing, []);
}
