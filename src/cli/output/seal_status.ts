/** How a node's seal and its place in the cluster are shown. */
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import { ApiError } from "../errors.ts";
import { asNumber, asObject, asText, type Json, type JsonObject } from "../json.ts";
import { keyValue } from "./table.ts";
import { valueText } from "./value_text.ts";

/** The fields of the API's answers that this shows, in its order. */
const fields = [
  "type",
  "initialized",
  "sealed",
  "t",
  "n",
  "progress",
  "nonce",
  "version",
  "commit_date",
  "migration",
  "cluster_name",
  "cluster_id",
  "recovery_seal",
  "storage_type",
  "build_date",
];

const haFields = [
  "is_self",
  "active_time",
  "leader_address",
  "leader_cluster_address",
  "performance_standby",
  "performance_standby_last_remote_wal",
  "last_wal",
  "raft_committed_index",
  "raft_applied_index",
];

/** The state of the cluster. A sealed node of one may not tell, which itself tells it is one. */
export async function leaderStatus(client: Client): Promise<JsonObject> {
  try {
    return asObject((await client.send({ method: "GET", path: "sys/leader", token: "" })).json);
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return { ha_enabled: true };
    throw error;
  }
}

/** Seal status and leader status as one object, for -format=json. */
export function sealStatusJson(seal: JsonObject, leader: JsonObject): JsonObject {
  const both: Record<string, Json> = {};
  for (const field of fields) if (seal[field] !== undefined) both[field] = seal[field];
  for (const [key, value] of Object.entries(seal)) {
    if (!["request_id", "lease_id", "renewable", "lease_duration"].includes(key)) {
      both[key] ??= value;
    }
  }
  both.ha_enabled = leader.ha_enabled === true;
  for (const field of both.ha_enabled ? haFields : []) {
    const value = leader[field];
    const zero = value === undefined || value === "" || value === 0 || value === false;
    if (!zero && (field !== "active_time" || isSet(value))) both[field] = value;
  }
  both.build_date ??= "";
  return both;
}

/** Prints both for the user, or as data. */
export async function printSealStatus(
  call: Call,
  seal: JsonObject,
  leader: JsonObject,
): Promise<number> {
  if (call.field !== "") {
    const value = sealStatusJson(seal, leader)[call.field];
    if (value === undefined) return await call.data({});
    return await call.bare(value);
  }
  if (!call.forPeople) return await call.value(sealStatusJson(seal, leader));
  call.lines(keyValue([...sealRows(seal), ...haRows(seal, leader)]));
  return 0;
}

type Row = readonly [string, string];

function sealRows(seal: JsonObject): Row[] {
  const recovery = seal.recovery_seal === true;
  const sealed = seal.sealed === true;
  const text = (name: string) => valueText(seal[name] ?? "");
  const rows: Row[] = [];
  if (recovery) rows.push(["Recovery Seal Type", recoveryType(seal)]);
  rows.push(
    ["Seal Type", text("type")],
    ["Initialized", text("initialized")],
    ["Sealed", text("sealed")],
    [recovery ? "Total Recovery Shares" : "Total Shares", text("n")],
    ["Threshold", text("t")],
  );
  if (sealed) {
    rows.push(
      ["Unseal Progress", `${asNumber(seal.progress)}/${asNumber(seal.t)}`],
      ["Unseal Nonce", text("nonce")],
    );
  }
  if (seal.migration === true) rows.push(["Seal Migration in Progress", "true"]);
  rows.push(["Version", text("version")]);
  if (asText(seal.commit_date) !== "") rows.push(["Commit Date", text("commit_date")]);
  if (asText(seal.build_date) !== "") rows.push(["Build Date", text("build_date")]);
  rows.push(["Storage Type", text("storage_type")]);
  if (asText(seal.cluster_name) !== "" || asText(seal.cluster_id) !== "") {
    rows.push(["Cluster Name", text("cluster_name")], ["Cluster ID", text("cluster_id")]);
  }
  const session = asText(seal.recovery_audit_file);
  if (session !== "") rows.push(["Recovery Mode", "true"], ["Recovery Audit File", session]);
  return rows;
}

function recoveryType(seal: JsonObject): string {
  return asText(seal.recovery_seal_type) || "shamir";
}

function haRows(seal: JsonObject, leader: JsonObject): Row[] {
  const enabled = leader.ha_enabled === true;
  const rows: Row[] = [["HA Enabled", String(enabled)]];
  if (!enabled || seal.sealed === true) return rows;
  rows.push(["HA Cluster", asText(leader.leader_cluster_address)]);
  const standby = leader.performance_standby === true ? "performance standby" : "standby";
  const mode = leader.is_self === true ? "active" : standby;
  rows.push(["HA Mode", mode]);
  if (mode !== "active") {
    const address = asText(leader.leader_address);
    if (address !== "") rows.push(["Active Node Address", address]);
  } else if (isSet(leader.active_time)) {
    rows.push(["Active Since", asText(leader.active_time)]);
  }
  for (
    const [title, field] of [
      ["Raft Committed Index", "raft_committed_index"],
      ["Raft Applied Index", "raft_applied_index"],
      ["Last WAL", "last_wal"],
    ] as const
  ) {
    if (asNumber(leader[field]) > 0) rows.push([title, valueText(leader[field] ?? 0)]);
  }
  return rows;
}

/** The API writes "never" as the first moment of year 1. */
function isSet(time: Json | undefined): boolean {
  return asText(time) !== "" && !asText(time).startsWith("0001-01-01T00:00:00");
}
