/** Clusters of real processes on loopback, for tests. */
import { type Answer, api, spawn, type Spawned } from "../../src/server/testing.ts";

let nextPort = 26400 + Math.floor(Math.random() * 150) * 4;

export interface ClusterNode {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  readonly config: string;
  readonly place: Place;
  process: Spawned | undefined;
  /** The checkout whose program it runs; this one's where absent. */
  source: string | undefined;
}

/** Where a node runs: its address, and what the shell does before it starts. */
export interface Place {
  readonly host: string;
  readonly shell: string;
}

const loopback: Place = { host: "127.0.0.1", shell: ":" };

export interface NodeOptions {
  readonly place?: Place;
  readonly multiplier?: number;
  readonly retryJoin?: readonly string[];
  /** For a retry_join that finds nodes itself, over plain HTTP. */
  readonly autoJoin?: string;
  /** See `ClusterNode`. */
  readonly source?: string;
  /** Lines of the storage stanza beside. */
  readonly inStorage?: string;
  /** Lines that the configuration has beside. */
  readonly more?: string;
}

/** Writes a node's configuration; it is not started. */
export async function makeNode(
  scratch: string,
  id: string,
  { multiplier = 1, retryJoin = [], autoJoin, more = "", place = loopback, source, inStorage = "" }:
    NodeOptions = {},
): Promise<ClusterNode> {
  const port = nextPort += 2;
  const folder = `${scratch}/${id}`;
  await Deno.mkdir(folder, { recursive: true });
  const config = `${scratch}/${id}.hcl`;
  const joins = [
    ...retryJoin.map((url) => `leader_api_addr = "${url}"`),
    ...(autoJoin === undefined ? [] : [`auto_join = "${autoJoin}"\n auto_join_scheme = "http"`]),
  ].map((keys) => `retry_join {\n ${keys}\n }`).join("\n  ");
  await Deno.writeTextFile(
    config,
    `
storage "raft" {
  path = "${folder}"
  node_id = "${id}"
  performance_multiplier = ${multiplier}
  ${joins}
  ${inStorage}
}
listener "tcp" {
  address = "${place.host}:${port}"
  tls_disable = true
}
api_addr = "http://${place.host}:${port}"
cluster_addr = "https://${place.host}:${port + 1}"
disable_mlock = true
${more}
`,
  );
  return {
    id,
    address: `http://${place.host}:${port}`,
    port,
    folder,
    config,
    place,
    process: undefined,
    source,
  };
}

export async function start(node: ClusterNode): Promise<void> {
  node.process = spawn(["server", `-config=${node.config}`], {}, node.place.shell, node.source);
  await node.process.saw("server started!");
}

export async function kill(node: ClusterNode, signal: Deno.Signal = "SIGKILL"): Promise<void> {
  node.process?.signal(signal);
  await node.process?.ended;
  node.process = undefined;
}

export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly key: string;
  readonly token: string;
}

/** Initialises the first, and lets the others join and be unsealed with its key. */
export async function makeCluster(
  scratch: string,
  ids: readonly string[],
  options: NodeOptions = {},
  places: readonly Place[] = [],
): Promise<Cluster> {
  const nodes: ClusterNode[] = [];
  for (const [i, id] of ids.entries()) {
    nodes.push(await makeNode(scratch, id, { ...options, place: places[i] ?? loopback }));
  }
  await Promise.all(nodes.map(start));
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error("no node");
  const made = await call(first, "sys/init", {
    body: { secret_shares: 1, secret_threshold: 1 },
  });
  const key = String(made.at("keys_base64", 0)), token = String(made.at("root_token"));
  await call(first, "sys/unseal", { body: { key } });
  for (const node of others) {
    await call(node, "sys/storage/raft/join", { body: { leader_api_addr: first.address } });
    await call(node, "sys/unseal", { body: { key } });
  }
  return {
    nodes,
    key,
    token,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await kill(node);
    },
  };
}

/** A call whose answer must be no error. */
export async function call(
  node: ClusterNode,
  path: string,
  options: Parameters<typeof api>[2] = {},
): Promise<Answer> {
  const answer = await api(node.address, path, options);
  if (answer.status >= 400) {
    throw new Error(`${node.id} ${path}: ${answer.status} ${JSON.stringify(answer.at("errors"))}`);
  }
  return answer;
}

/** How many voters the group has, as a node tells it. */
export async function voters(node: ClusterNode, token: string): Promise<number> {
  const told = await call(node, "sys/storage/raft/configuration", { token });
  const servers = told.at("data", "config", "servers");
  return Array.isArray(servers) ? servers.filter(({ voter }) => voter === true).length : 0;
}

/** Who says of itself that it is active, of those that answer. */
export async function activeOf(nodes: readonly ClusterNode[]): Promise<ClusterNode | undefined> {
  for (const node of nodes) {
    if (node.process === undefined) continue;
    const answer = await api(node.address, "sys/leader").catch(() => undefined);
    if (answer?.at("is_self") === true) return node;
  }
  return undefined;
}

/** Who is active, soon. */
export async function settled(nodes: readonly ClusterNode[], ms = 10_000): Promise<ClusterNode> {
  const end = performance.now() + ms;
  for (;;) {
    const active = await activeOf(nodes);
    if (active !== undefined) return active;
    if (performance.now() > end) throw new Error("no node becomes active");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A snapshot's bytes, as the node gives them. */
export async function saveSnapshot(
  node: ClusterNode,
  token: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const headers = { "x-vault-token": token };
  const response = await fetch(`${node.address}/v1/sys/storage/raft/snapshot`, { headers });
  if (response.status !== 200) {
    throw new Error(`no snapshot: ${response.status} ${await response.text()}`);
  }
  const file = await response.bytes();
  const told = response.headers.get("content-length");
  if (told !== String(file.length)) throw new Error(`${file.length} bytes, and ${told} were told`);
  return file;
}
