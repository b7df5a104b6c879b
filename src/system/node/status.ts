/** `sys/health`, `sys/seal-status`, `sys/leader`: how the node is. */
import { sleep } from "../../base/clock.ts";
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

/** How long sys/health and sys/leader wait for the proof that this node still leads. */
const proofMs = 1000;

/** A leader that was cut off or paused finds out here, before it says that it is active. */
async function isProvedActive(node: Node): Promise<boolean> {
  if (node.standby || node.sealed) return false;
  const proof = node.ha?.confirm();
  if (proof === undefined) return true;
  const proved = proof.then(() => true, () => false);
  const late = sleep(node.platform.clock, proofMs).then(() => false);
  return await Promise.race([proved, late]) && !node.standby;
}

function healthCode(
  codes: Record<CodeName, number>,
  is: Readonly<
    Record<"initialized" | "sealed" | "standby" | "removed" | "lonely", boolean>
  >,
  request: Request,
): number {
  if (!is.initialized) return codes.uninitcode;
  if (is.sealed) return codes.sealedcode;
  if (is.removed) return codes.removedcode;
  const standbyOk = request.data.standbyok ?? "false";
  if (!is.standby || standbyOk !== "false") return codes.activecode;
  return is.lonely ? codes.haunhealthycode : codes.standbycode;
}

async function health(node: Node, request: Request): Promise<LogicalResponse> {
  const chosen = codes(request);
  const initialized = await node.isInitialized();
  const { cluster, sealed } = node;
  const standby = sealed || !await isProvedActive(node);
  const removed = node.ha?.isRemoved === true;
  const lonely = standby && node.standby && node.ha?.group.leader === undefined;
  const status = healthCode(chosen, { initialized, sealed, standby, removed, lonely }, request);
  const warnings = node.warnings.current;
  const mode = sealed ? "unknown" : "disabled";
  const body: JsonObject = {
    initialized,
    sealed,
    standby,
    performance_standby: false,
    replication_performance_mode: mode,
    replication_dr_mode: mode,
    server_time_utc: Math.floor(node.platform.clock.now() / 1000),
    version,
    enterprise: false,
    ...(cluster === undefined ? {} : { cluster_name: cluster.name, cluster_id: cluster.id }),
    echo_duration_ms: 0,
    clock_skew_ms: 0,
    ...(removed ? { removed_from_cluster: true } : {}),
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
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

async function leader(node: Node): Promise<JsonObject> {
  const zero = "0001-01-01T00:00:00Z";
  const { haEnabled, ha } = node;
  const isSelf = haEnabled && await isProvedActive(node);
  // Alone, a node tells nobody where it is.
  const active = isSelf || node.sealed ? undefined : await ha?.active();
  const addresses = isSelf ? node.addresses : active;
  return {
    ha_enabled: haEnabled,
    is_self: isSelf,
    active_time: isSelf && node.activeSince > 0 ? rfc3339(node.activeSince) : zero,
    leader_address: addresses?.api ?? "",
    leader_cluster_address: addresses?.cluster ?? "",
    performance_standby: false,
    performance_standby_last_remote_wal: 0,
    ...node.raftIndexes(),
  };
}

/** `more` is told beside the seal's state. */
export function statusRoutes(node: Node, more: JsonObject = {}): NodeRoute[] {
  const codesGiven = Object.fromEntries(
    codeNames.map((name) => [name, field.string("A status code.")]),
  );
  return [
    nodeRoute("sys/health", codesGiven, {
      GET: (_input, request) => health(node, request),
      HEAD: (_input, request) => health(node, request),
    }),
    nodeRoute("sys/seal-status", {}, {
      GET: async () => flat({ ...await sealStatus(node), ...more }),
    }),
    nodeRoute("sys/leader", {}, { GET: async () => flat(await leader(node)) }),
  ];
}
