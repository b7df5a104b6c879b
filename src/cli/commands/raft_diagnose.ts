/** `operator raft diagnose`: why nodes don't find each other. */
import { parseEndpoint, RAFT_PROTOCOL } from "../../raft/net/cluster_tls.ts";
import type { Call } from "../call.ts";
import { connectAnonymously } from "../client/connect.ts";
import { type ClientSettings, clientSettings } from "../client/settings.ts";
import { anyWords, type Command } from "../command.ts";
import { ApiError, CommandError, TransportError } from "../errors.ts";
import { asList, asObject, asText } from "../json.ts";
import { titled } from "../output/table.ts";
import type { Health } from "../peers/agree.ts";
import type { Finding, Reached } from "../peers/reach.ts";

/** A port to try: an API as a URL, a cluster port as host and port. */
interface Peer {
  /** Its node id where it is known, else the address. */
  readonly name: string;
  readonly address: string;
}

interface Tried extends Peer {
  readonly reached: Reached;
  /** Of an API that answered. */
  readonly health: Health | undefined;
  readonly refusal: Finding | undefined;
}

export const diagnose: Command = {
  usage: "[options] [ADDRESS...]",
  about: "Tries each peer from this machine and says what is wrong: whether its name has an " +
    "address, its port is open and TLS works, whether it is of the same cluster, and how far " +
    "its clock is from this one's. An ADDRESS is the URL of a node's API, or the host and port " +
    "of its cluster port. Without one the node at -address is asked for its peers.\n\nNo token " +
    "is sent to the peers. The exit code is 0 when all is well and 1 when something is not.",
  examples: [
    ["Try all peers of a node", "operator raft diagnose"],
    ["Try a node to join", "operator raft diagnose https://10.0.0.2:8200 10.0.0.2:8201"],
  ],
  words: [0, anyWords],
  output: "format",
  async run(call) {
    const settings = clientSettings(call.flags, call.io);
    const peers = call.args.length > 0 ? call.args.map(named) : await peersOfNode(call);
    const tried = await Promise.all(peers.map((peer) => tryPeer(call, settings, peer)));
    const own = await askHealth(call, settings).catch((error) => {
      if (error instanceof ApiError || error instanceof TransportError) return undefined;
      throw error;
    });
    const results = await judge(tried, own?.clusterId ?? "");
    const isWell = results.every(({ findings }) => findings.every(({ ok }) => ok));
    if (!call.forPeople) {
      await call.value({
        healthy: isWell,
        peers: results.map(({ name, address, findings }) => ({
          name,
          address,
          checks: findings.map(({ step, ok, told }) => ({ check: step, ok, message: told })),
        })),
      });
    } else {
      call.lines(titled(
        ["Node", "Address", "Check", "Result", "Found"],
        results.flatMap(({ name, address, findings }) =>
          findings.map(({ step, ok, told }) => [name, address, step, ok ? "ok" : "WRONG", told])
        ),
      ));
    }
    return isWell ? 0 : 1;
  },
};

function named(address: string): Peer {
  const isUrl = /^https?:\/\//i.test(address) && URL.canParse(address);
  if (!isUrl && (address.includes("/") || parseEndpoint(address) === undefined)) {
    throw new CommandError(`Error: "${address}" is no URL and no host and port`, 1);
  }
  return { name: address, address };
}

/** Their cluster ports, by the node's configuration, and the APIs of those that are up. */
async function peersOfNode(call: Call): Promise<Peer[]> {
  const client = await call.client();
  const doing = "asking the node for its peers (name their addresses if it can't tell them)";
  const secret = await call.during(doing, client.read("sys/storage/raft/configuration"));
  const servers = asList(asObject(asObject(secret?.data).config).servers).map(asObject);
  const answer = await call.during(doing, client.send({ method: "GET", path: "sys/ha-status" }));
  const body = asObject(answer.json);
  const nodes = asList(body.nodes ?? asObject(body.data).nodes).map(asObject);
  return servers.flatMap((server) => {
    const name = asText(server.node_id), address = bare(asText(server.address));
    const apis = nodes.filter((node) => bare(asText(node.cluster_address)) === address);
    return [address, ...apis.map((node) => asText(node.api_address))]
      .filter((each) => each !== "")
      .map((each) => ({ name, address: each }));
  });
}

function bare(address: string): string {
  return address.replace(/^[a-z]+:\/\//, "").replace(/\/+$/, "");
}

async function tryPeer(call: Call, settings: ClientSettings, peer: Peer): Promise<Tried> {
  const { reach } = await import("../peers/reach.ts");
  const isApi = /^https?:/i.test(peer.address);
  if (!isApi) {
    const at = parseEndpoint(peer.address);
    if (at === undefined) throw new Error(`${peer.address} was checked to be an endpoint`);
    // Whose certificate it is shows in the comparison; this machine has none to show itself.
    const tls = { rejectUnauthorized: false, ALPNProtocols: [RAFT_PROTOCOL] };
    return { ...peer, reached: await reach(at, tls), health: undefined, refusal: undefined };
  }
  const url = new URL(peer.address);
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  const at = { host: url.hostname.replace(/^\[|\]$/g, ""), port };
  const tls = url.protocol === "https:" ? await apiTls(call, settings) : undefined;
  const reached = await reach(at, tls);
  if (!reached.findings.every(({ ok }) => ok)) {
    return { ...peer, reached, health: undefined, refusal: undefined };
  }
  try {
    const health = await askHealth(call, { ...settings, address: peer.address });
    return { ...peer, reached, health, refusal: undefined };
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof TransportError)) throw error;
    const refusal: Finding = { step: "API", ok: false, told: error.message };
    return { ...peer, reached, health: undefined, refusal };
  }
}

async function apiTls(call: Call, { tls }: ClientSettings) {
  const { readCertificates } = await import("../client/certificates.ts");
  const { tlsOptions } = await import("../client/node_transport.ts");
  const { serverName, skipVerify } = tls;
  const certificates = await readCertificates(tls, call.io);
  return tlsOptions({ certificates, serverName, skipVerify });
}

/** Codes that make an answer of any state a 200. */
const anyState = [
  ["standbyok", "true"],
  ["perfstandbyok", "true"],
  ["sealedcode", "200"],
  ["uninitcode", "200"],
  ["removedcode", "200"],
] as const;

async function askHealth(call: Call, settings: ClientSettings): Promise<Health> {
  const { clock } = call.io;
  const client = await connectAnonymously({ ...settings, timeoutMs: 5000 }, call.io);
  try {
    const start = clock.now();
    const { json } = await client.send({ method: "GET", path: "sys/health", query: anyState });
    const end = clock.now();
    const told = asObject(json);
    // It tells whole seconds, rounded down.
    const theirs = Number(told.server_time_utc) * 1000 + 500;
    return {
      initialized: told.initialized === true,
      sealed: told.sealed === true,
      removed: told.removed_from_cluster === true,
      clusterId: asText(told.cluster_id),
      version: asText(told.version),
      offsetMs: theirs - (start + end) / 2,
      errorMs: 500 + (end - start) / 2,
    };
  } finally {
    client.close();
  }
}

async function judge(tried: readonly Tried[], ownCluster: string) {
  const { commonest, judgeCertificate, judgeHealth } = await import("../peers/agree.ts");
  const cluster = ownCluster || commonest(tried.map(({ health }) => health?.clusterId ?? ""));
  const shown = (one: Tried) => /^https?:/i.test(one.address) ? "" : one.reached.fingerprint;
  const certificate = commonest(tried.map(shown));
  return tried.map((one) => ({
    name: one.name,
    address: one.address,
    findings: [
      ...one.reached.findings,
      ...(shown(one) === "" ? [] : [judgeCertificate(shown(one), certificate)]),
      ...(one.refusal === undefined ? [] : [one.refusal]),
      ...(one.health === undefined ? [] : judgeHealth(one.health, cluster)),
    ],
  }));
}
