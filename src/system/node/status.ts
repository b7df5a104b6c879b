/** `sys/health`, `sys/seal-status`, `sys/leader`: how the node is. */
import { Failure } from "../../base/failure.ts";
import { version } from "../../base/version.ts";
import { field } from "../../backend/field.ts";
import type { Node } from "../../core/node.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Request } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { empty, flat, type NodeRoute, nodeRoute } from "./route.ts";

const codeNames = [
  "activecode",
  "standbycode",
  "drsecondarycode",
  "performancestandbycode",
  "sealedcode",
  "uninitcode",
  "haunhealthycode",
  "removedcode",
] as const;

type CodeName = (typeof codeNames)[number];

const defaultCodes: Readonly<Record<CodeName, number>> = {
  activecode: 200,
  standbycode: 429,
  drsecondarycode: 472,
  performancestandbycode: 473,
  sealedcode: 503,
  uninitcode: 501,
  haunhealthycode: 474,
  removedcode: 530,
};

/** The status codes of this call; a 400 for one that is no number. */
function codes(request: Request): Record<CodeName, number> {
  const chosen = { ...defaultCodes };
  for (const name of codeNames) {
    const text = request.data[name];
    if (text === undefined) continue;
    const code = Number(text);
    if (typeof text !== "string" || !/^\d{3}$/.test(text) || code < 200 || code > 599) {
      throw new Failure(400, []);
    }
    chosen[name] = code;
  }
  return chosen;
}

async function health(node: Node, request: Request): Promise<LogicalResponse> {
  const chosen = codes(request);
  const initialized = await node.isInitialized();
  const { cluster, sealed } = node;
  const status = !initialized ? chosen.uninitcode : sealed ? chosen.sealedcode : chosen.activecode;
  const mode = sealed ? "unknown" : "disabled";
  const body: JsonObject = {
    initialized,
    sealed,
    standby: sealed,
    performance_standby: false,
    replication_performance_mode: mode,
    replication_dr_mode: mode,
    server_time_utc: Math.floor(node.platform.clock.now() / 1000),
    version,
    enterprise: false,
    ...(cluster === undefined ? {} : { cluster_name: cluster.name, cluster_id: cluster.id }),
    echo_duration_ms: 0,
    clock_skew_ms: 0,
  };
  const bodyless = status === 204 || status === 304 || request.method === "HEAD";
  return bodyless ? empty(status) : flat(body, status);
}

/** The seal's state, as sys/seal-status and sys/unseal tell it. */
export async function sealStatus(node: Node): Promise<JsonObject> {
  const { threshold, shares, progress, nonce } = await node.ceremonies.progress.status();
  const { cluster, sealed } = node;
  return {
    type: "shamir",
    initialized: await node.isInitialized(),
    sealed,
    t: threshold,
    n: shares,
    progress,
    nonce,
    version,
    commit_date: node.buildDate,
    migration: false,
    ...(cluster === undefined ? {} : { cluster_name: cluster.name, cluster_id: cluster.id }),
    recovery_seal: false,
    storage_type: node.storageType,
    ...node.raftIndexes(),
  };
}

function leader(node: Node): JsonObject {
  const zero = "0001-01-01T00:00:00Z";
  return {
    ha_enabled: node.haEnabled,
    is_self: node.haEnabled && !node.sealed,
    active_time: node.haEnabled && node.activeSince > 0 ? rfc3339(node.activeSince) : zero,
    leader_address: node.haEnabled && !node.sealed ? node.addresses.api : "",
    leader_cluster_address: node.haEnabled && !node.sealed ? node.addresses.cluster : "",
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
    ...node.raftIndexes(),
  };
}

export function statusRoutes(node: Node): NodeRoute[] {
  const codesGiven = Object.fromEntries(
    codeNames.map((name) => [name, field.string("A status code.")]),
  );
  return [
    nodeRoute("sys/health", codesGiven, {
      GET: (_input, request) => health(node, request),
      HEAD: (_input, request) => health(node, request),
    }),
    nodeRoute("sys/seal-status", {}, { GET: async () => flat(await sealStatus(node)) }),
    nodeRoute("sys/leader", {}, { GET: () => flat(leader(node)) }),
  ];
}
