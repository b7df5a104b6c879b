/** `sys/storage/raft/autopilot/*`. */
import { notFound } from "../base/failure.ts";
import { version } from "../base/version.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import { formatDuration } from "../config/units.ts";
import type { Node } from "../core/node.ts";
import { AUTOPILOT_KEY, changeSettings, encodeSettings } from "../ha/autopilot.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";

function haOf(node: Node): HighAvailability {
  if (node.ha === undefined) throw notFound("raft storage is not in use");
  return node.ha;
}

function settingsOf(ha: HighAvailability): JsonObject {
  const { settings } = ha.autopilot;
  return {
    cleanup_dead_servers: settings.cleanupDeadServers,
    dead_server_last_contact_threshold: formatDuration(settings.deadServerLastContact),
    last_contact_threshold: formatDuration(settings.lastContact),
    max_trailing_logs: settings.maxTrailingLogs,
    min_quorum: settings.minQuorum,
    server_stabilization_time: formatDuration(settings.stabilization),
  };
}

function stateOf(node: Node): JsonObject {
  const ha = haOf(node);
  const { isHealthy, failureTolerance, members, since } = ha.autopilot.assess();
  const versions = new Map(ha.standbys().map(({ id, version }) => [id, version]));
  const servers = Object.fromEntries(members.map((member) => [member.id, {
    id: member.id,
    name: member.id,
    address: member.address,
    node_status: member.isAlive ? "alive" : "failed",
    last_contact: formatDuration(member.silence),
    last_term: ha.group.term,
    last_index: member.index,
    healthy: member.isHealthy,
    stable_since: rfc3339(since(member.id)),
    status: member.isLeader ? "leader" : member.voter ? "voter" : "non-voter",
    version: member.isLeader ? version : versions.get(member.id) ?? "",
    node_type: member.voter ? "voter" : "non-voter",
  }]));
  const ids = (voter: boolean) => members.filter((m) => m.voter === voter).map(({ id }) => id);
  const learners = ids(false);
  return {
    healthy: isHealthy,
    failure_tolerance: failureTolerance,
    leader: ha.group.leader ?? "",
    servers,
    voters: ids(true),
    ...(learners.length > 0 ? { non_voters: learners } : {}),
  };
}

export function autopilotPaths(node: () => Node): Path[] {
  return [
    path("storage/raft/autopilot/configuration", {
      summary: "By what the group decides who is healthy and who is dead.",
      fields: {
        cleanup_dead_servers: field.bool("Whether dead nodes are taken out."),
        dead_server_last_contact_threshold: field.duration("After what silence a node is dead."),
        last_contact_threshold: field.duration("Up to what silence a node is healthy."),
        max_trailing_logs: field.int("How many entries a healthy node may be behind."),
        min_quorum: field.int("Voters that are left at least when dead ones are taken out."),
        server_stabilization_time: field.duration(
          "How long a node that joins three voters or more must keep up before it votes.",
        ),
        dr_operation_token: field.string("Has no effect.", ""),
      },
      operations: {
        read: {
          summary: "Reads the settings.",
          handler: () => ({ data: settingsOf(haOf(node())) }),
        },
        update: {
          summary: "Changes the settings that are given; zero leaves one as it is.",
          handler: (call, input) => {
            const { autopilot } = haOf(node());
            const next = changeSettings(autopilot.settings, {
              cleanupDeadServers: input.cleanup_dead_servers,
              deadServerLastContact: input.dead_server_last_contact_threshold,
              lastContact: input.last_contact_threshold,
              maxTrailingLogs: input.max_trailing_logs,
              minQuorum: input.min_quorum,
              stabilization: input.server_stabilization_time,
            });
            call.transaction.put(AUTOPILOT_KEY, encodeSettings(next));
            call.transaction.afterCommit(() => {
              autopilot.settings = next;
            });
          },
        },
      },
    }),
    path("storage/raft/autopilot/state", {
      summary: "How healthy the group is.",
      operations: {
        read: {
          summary: "Tells how healthy the group and each of its nodes is.",
          handler: () => ({ data: stateOf(node()) }),
        },
      },
    }),
  ];
}
