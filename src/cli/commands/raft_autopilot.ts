/** `operator raft autopilot …`: how the group looks after itself. */
import { bool, duration, type Flag, int } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Command } from "../command.ts";
import { durationText } from "../duration.ts";
import { asList, asObject, type Json, type JsonObject } from "../json.ts";
import { keyValue } from "../output/table.ts";
import { valueText } from "../output/value_text.ts";
import { drTokenFlag, noRaft } from "./raft_peers.ts";

const configuration = "sys/storage/raft/autopilot/configuration";

async function read(call: Call, path: string, doing: string): Promise<JsonObject | undefined> {
  const client = await call.client();
  const token = call.flags.text("dr-token");
  const work = token === ""
    ? client.read(path)
    : client.write(path, { dr_operation_token: token }, "POST");
  return (await call.during(doing, noRaft(work)))?.data;
}

const titles: readonly (readonly [string, string])[] = [
  ["cleanup_dead_servers", "Cleanup Dead Servers"],
  ["last_contact_threshold", "Last Contact Threshold"],
  ["dead_server_last_contact_threshold", "Dead Server Last Contact Threshold"],
  ["server_stabilization_time", "Server Stabilization Time"],
  ["min_quorum", "Min Quorum"],
  ["max_trailing_logs", "Max Trailing Logs"],
  ["disable_upgrade_migration", "Disable Upgrade Migration"],
];

export const getConfig: Command = {
  usage: "[options]",
  about: "Prints the settings by which the group decides who is healthy and who is dead.",
  examples: [["Print them", "operator raft autopilot get-config"]],
  flags: [drTokenFlag],
  words: [0, 0],
  output: "format",
  async run(call) {
    const config = await read(call, configuration, "reading the autopilot configuration");
    if (config === undefined) return 0;
    if (!call.forPeople) return await call.value(config);
    call.lines(keyValue(
      titles.flatMap(([name, title]) => {
        const value = config[name];
        return value === undefined ? [] : [[title, valueText(value)] as const];
      }),
    ));
    return 0;
  },
};

const settings: readonly Flag[] = [
  bool("cleanup-dead-servers", "Take dead nodes out by itself. Needs -min-quorum."),
  duration("dead-server-last-contact-threshold", "A node is dead when not heard of for this long."),
  bool("disable-upgrade-migration", "Leave leadership where it is during upgrades."),
  duration("last-contact-threshold", "A node is healthy when heard of within this time."),
  int("max-trailing-logs", "A node is healthy when at most so many entries behind."),
  int("min-quorum", "Never take dead nodes out when fewer than these would be left."),
  duration("server-stabilization-time", "A new node must be healthy this long to be trusted."),
];

export const setConfig: Command = {
  usage: "[options]",
  about: "Changes the settings by which the group decides who is healthy and who is dead; those " +
    "not given stay.",
  examples: [[
    "Take dead nodes out after a day",
    "operator raft autopilot set-config -cleanup-dead-servers=true -min-quorum=3 " +
    "-dead-server-last-contact-threshold=24h",
  ]],
  flags: [...settings, drTokenFlag],
  words: [0, 0],
  output: "format",
  async run(call) {
    const body: Record<string, Json> = {};
    for (const { name, kind } of settings) {
      if (!call.flags.given(name)) continue;
      const key = name.replaceAll("-", "_");
      if (kind === "bool") body[key] = call.flags.bool(name);
      else if (kind === "int") body[key] = call.flags.int(name) ?? 0;
      else body[key] = durationText(call.flags.durationMs(name) ?? 0);
    }
    if (call.flags.given("dr-token")) body.dr_operation_token = call.flags.text("dr-token");
    const client = await call.client();
    const secret = await call.during(
      "setting the autopilot configuration",
      client.write(apiPath(configuration), body, "POST"),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const state: Command = {
  usage: "[options]",
  about: "Prints how healthy each node of the group is and how many more may fail.",
  examples: [["Print it", "operator raft autopilot state"]],
  flags: [drTokenFlag],
  words: [0, 0],
  output: "format",
  async run(call) {
    const path = "sys/storage/raft/autopilot/state";
    const data = await read(call, path, "reading the autopilot state");
    if (data === undefined) return 0;
    if (!call.forPeople) return await call.value(data);
    printState(call, data);
    return 0;
  },
};

const labelWidth = 33;

function printState(call: Call, data: JsonObject): void {
  const line = (label: string, value: Json | undefined, width = labelWidth, margin = "") =>
    call.line(`${margin}${`${label}:`.padEnd(width)}${valueText(value ?? "")}`);
  line("Healthy", data.healthy);
  line("Failure Tolerance", data.failure_tolerance);
  line("Leader", data.leader);
  call.line("Voters:");
  for (const voter of asList(data.voters)) call.line(`   ${valueText(voter)}`);
  const others = asList(data.non_voters);
  if (others.length > 0) call.line("Non Voters:");
  for (const other of others) call.line(`   ${valueText(other)}`);
  if (data.optimistic_failure_tolerance !== undefined) {
    line("Optimistic Failure Tolerance", data.optimistic_failure_tolerance);
  }
  printZones(call, line, data.redundancy_zones);
  printUpgrade(call, line, data.upgrade_info);
  call.line("Servers:");
  const servers = asObject(data.servers);
  for (const id of Object.keys(servers).sort()) {
    const server = asObject(servers[id]);
    call.line(`   ${id}`);
    for (const [label, name] of serverRows) {
      if (server[name] !== undefined) line(label, server[name], 19, "      ");
    }
  }
}

type Line = (label: string, value: Json | undefined, width?: number, margin?: string) => void;

function printZones(call: Call, line: Line, zones: Json | undefined): void {
  for (const [name, zone] of Object.entries(asObject(zones))) {
    const { servers, voters, failure_tolerance } = asObject(zone);
    call.line(`Redundancy Zone ${name}:`);
    line("Servers", asList(servers).map(valueText).join(", "), 19, "   ");
    line("Voters", asList(voters).map(valueText).join(", "), 19, "   ");
    line("Failure Tolerance", failure_tolerance, 19, "   ");
  }
}

const upgradeRows: readonly (readonly [string, string])[] = [
  ["Target Version Voters", "target_version_voters"],
  ["Target Version Non-Voters", "target_version_non_voters"],
  ["Other Version Voters", "other_version_voters"],
  ["Other Version Non-Voters", "other_version_non_voters"],
];

function printUpgrade(call: Call, line: Line, upgrade: Json | undefined): void {
  if (upgrade === undefined) return;
  const info = asObject(upgrade);
  call.line("Upgrade Info:");
  line("Status", info.status, 30, "   ");
  line("Target Version", info.target_version, 30, "   ");
  for (const [label, name] of upgradeRows) {
    const ids = asList(info[name]).map(valueText);
    if (ids.length > 0) line(label, ids.join(", "), 30, "   ");
  }
}

const serverRows: readonly (readonly [string, string])[] = [
  ["Name", "name"],
  ["Address", "address"],
  ["Status", "status"],
  ["Node Status", "node_status"],
  ["Healthy", "healthy"],
  ["Last Contact", "last_contact"],
  ["Last Term", "last_term"],
  ["Last Index", "last_index"],
  ["Version", "version"],
  ["Upgrade Version", "upgrade_version"],
  ["Redundancy Zone", "redundancy_zone"],
  ["Node Type", "node_type"],
];
