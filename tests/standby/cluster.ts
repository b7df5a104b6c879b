/**
 * Takes the place of `server -dev` for the recorded suites: starts three nodes on loopback that are
 * one cluster, and hands out the address of a standby as that of the dev server, with the content
 * that a dev server begins with. What the flags ask beyond that, a real dev server does.
 *
 * The suites wait for a server that says that it is healthy and active, which a standby never does:
 * until it is asked for the first time, an answer of this file says so. All else goes through.
 */
import { api, eventually, spawn, type Spawned } from "../../src/server/testing.ts";

interface Dev {
  readonly token: string;
  readonly port: number;
  readonly kv: string;
  readonly storesToken: boolean;
}

/** Undefined where a flag asks for what a cluster does not do. */
function parse(args: readonly string[]): Dev | undefined {
  let token = "root", port = 8200, kv = "2", storesToken = true;
  for (const arg of args.slice(1)) {
    const [name, value = ""] = arg.split("=");
    if (name === "-dev-root-token-id") token = value;
    else if (name === "-dev-listen-address") port = Number(value.split(":").at(-1));
    else if (name === "-dev-kv-v1") kv = "1";
    else if (name === "-dev-no-store-token") storesToken = false;
    else if (name !== "-dev" && name !== "-log-level") return undefined;
  }
  return { token, port, kv, storesToken };
}

function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

interface Node {
  readonly address: string;
  readonly port: number;
  readonly process: Spawned;
}

async function startNode(folder: string, id: string, api?: number): Promise<Node> {
  const [port = 0, cluster = 0] = freePorts(2);
  const config = `${folder}/${id}.hcl`;
  await Deno.mkdir(`${folder}/${id}`);
  await Deno.writeTextFile(
    config,
    `storage "raft" {
  path = "${folder}/${id}"
  node_id = "${id}"
}
raw_storage_endpoint = true
introspection_endpoint = true
ui = true
listener "tcp" {
  address = "127.0.0.1:${port}"
  cluster_address = "127.0.0.1:${cluster}"
  tls_disable = true
  telemetry {
    unauthenticated_metrics_access = true
  }
}
telemetry {
  disable_hostname = true
}
api_addr = "http://127.0.0.1:${api ?? port}"
cluster_addr = "https://127.0.0.1:${cluster}"
disable_mlock = true
`,
  );
  const process = spawn(["server", `-config=${config}`]);
  await process.saw("server started!");
  return { address: `http://127.0.0.1:${port}`, port, process };
}

async function must(node: Node, path: string, token: string, body?: unknown, method = "PUT") {
  const answer = await api(node.address, path, {
    token,
    method: body === undefined ? "GET" : method,
    ...(body === undefined ? {} : { body }),
  });
  if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${answer.at("errors", 0)}`);
  return answer;
}

/** Returns the standby, and what unseals it. */
async function makeCluster(folder: string, nodes: Node[], dev: Dev) {
  const started = await Promise.all([
    startNode(folder, "a"),
    startNode(folder, "b", dev.port),
    startNode(folder, "c"),
  ]);
  nodes.push(...started);
  const [first, standby, third] = started;
  const made = await must(first, "sys/init", "", { secret_shares: 1, secret_threshold: 1 });
  const key = String(made.at("keys_base64", 0)), root = String(made.at("root_token"));
  await must(first, "sys/unseal", "", { key });
  for (const node of [standby, third]) {
    await must(node, "sys/storage/raft/join", "", { leader_api_addr: first.address });
    await must(node, "sys/unseal", "", { key });
  }
  const token = { id: dev.token, policies: ["root"], no_parent: true, ttl: "0s", renewable: false };
  await must(first, "auth/token/create", root, token);
  await must(first, "auth/token/revoke-self", root, {});
  const mount = {
    type: "kv",
    description: "key/value secret storage",
    options: { version: dev.kv },
  };
  await must(first, "sys/mounts/secret", dev.token, mount, "POST");
  await eventually(async () => {
    const seen = await api(standby.address, "secret/config", { token: dev.token });
    const peers = await api(first.address, "sys/storage/raft/configuration", { token: dev.token });
    const servers = [peers.at("data", "config", "servers")].flat();
    const voters = servers.filter((server) => Reflect.get(Object(server), "voter") === true);
    return [200, 404].includes(seen.status) && voters.length === 3;
  });
  return { standby, key };
}

const healthy = new TextEncoder().encode(
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" +
    "Connection: close\r\n\r\n{}",
);

/** Passes connections on, all but the first that asks how the server is. */
async function relay(port: number, to: number): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  let isFirst = true;
  for await (const outside of listener) {
    (async () => {
      const buffer = new Uint8Array(65536);
      const count = await outside.read(buffer);
      const first = buffer.subarray(0, count ?? 0);
      const line = new TextDecoder().decode(first.subarray(0, 32));
      if (isFirst && line.startsWith("GET /v1/sys/health")) {
        isFirst = false;
        await outside.write(healthy);
        return outside.close();
      }
      const inside = await Deno.connect({ hostname: "127.0.0.1", port: to });
      for (let at = 0; at < first.length;) at += await inside.write(first.subarray(at));
      await Promise.all([
        outside.readable.pipeTo(inside.writable),
        inside.readable.pipeTo(outside.writable),
      ]);
    })().catch(() => undefined);
  }
}

async function main(dev: Dev): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-standby-" });
  const nodes: Node[] = [];
  const end = async () => {
    for (const { process } of nodes) process.signal("SIGKILL");
    await Promise.all(nodes.map(({ process }) => process.ended));
    await Deno.remove(folder, { recursive: true });
    Deno.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => void end());
  }
  const { standby, key } = await makeCluster(folder, nodes, dev);
  if (dev.storesToken) {
    await Deno.writeTextFile(`${Deno.env.get("HOME")}/.vault-token`, dev.token, { mode: 0o600 });
  }
  console.log(`==> Holdfast server started!\n\nUnseal Key: ${key}\nRoot Token: ${dev.token}\n`);
  await relay(dev.port, standby.port);
}

const dev = parse(Deno.args);
if (dev === undefined) {
  await import("../../main.ts");
} else await main(dev);
