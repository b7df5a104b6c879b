/** `sys/storage/raft/autopilot/*`. */
import { notFound } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import { formatDuration } from "../config/units.ts";
import type { Node } from "../core/node.ts";
import {
  AUTOPILOT_KEY,
  candidateOf,
  changeSettings,
  encodeSettings,
  type Health,
} from "../ha/autopilot.ts";
import { compareVersions } from "../base/semver.ts";
import { optimisticTolerance, type Upgrade, type Zone, zonesOf } from "../ha/voter_plan.ts";
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
    disable_upgrade_migration: settings.disableUpgradeMigration,
  };
}

function versionOf(ha: HighAvailability, id: string): string {
  return ha.features.factsOf(id)?.version ||
    ha.standbys().find((each) => each.id === id)?.version ||
    "";
}

/** What a server is to the group, in the words of Vault. */
function nodeType({ zone, voter, staysLearner, id }: Health, zones: ReadonlyMap<string, Zone>) {
  if (staysLearner) return "read-replica";
  if (zone === "") return voter ? "voter" : "non-voter";
  if (!voter) return "zone-standby";
  return zones.get(zone)?.voters[0] === id ? "zone-voter" : "zone-extra-voter";
}

/** What a node knows, as it said itself; nothing of one that does not say. */
function metaOf(ha: HighAvailability, id: string): JsonObject {
  const facts = ha.features.factsOf(id);
  if (facts === undefined || facts.version === "") return {};
  const { protocol, features } = facts;
  return { meta: { protocol: String(protocol.newest), features: features.join(",") } };
}

/** Forms that not every version knows and that are used, each with the version it came with. */
function featuresState(ha: HighAvailability): JsonObject {
  const { inUse } = ha.features;
  return inUse.size === 0 ? {} : { features_in_use: Object.fromEntries(inUse) };
}

function serverOf(ha: HighAvailability, member: Health, zones: ReadonlyMap<string, Zone>) {
  const { id, zone, upgradeVersion } = member;
  return {
    id,
    name: id,
    address: member.address,
    node_status: member.isAlive ? "alive" : "failed",
    last_contact: formatDuration(member.silence),
    last_term: ha.group.term,
    last_index: member.index,
    healthy: member.isHealthy,
    status: member.isLeader ? "leader" : member.voter ? "voter" : "non-voter",
    version: versionOf(ha, id),
    ...(upgradeVersion === "" ? {} : { upgrade_version: upgradeVersion }),
    ...(zone === "" ? {} : { redundancy_zone: zone }),
    node_type: nodeType(member, zones),
    ...metaOf(ha, id),
  };
}

/** Only of a group that has zones. */
function zonesState(zones: ReadonlyMap<string, Zone>, optimistic: number): JsonObject {
  if (zones.size === 0) return {};
  const redundancy_zones: JsonObject = {};
  for (const [name, { servers, voters, failureTolerance }] of zones) {
    redundancy_zones[name] = {
      servers: [...servers],
      voters: [...voters],
      failure_tolerance: failureTolerance,
    };
  }
  return { optimistic_failure_tolerance: optimistic, redundancy_zones };
}

/** Who is of the version that an upgrade is to, and who is not. */
function byVersion(members: readonly Health[], target: string): JsonObject {
  const ids = (isTarget: boolean, voter: boolean) =>
    members.filter((each) =>
      each.voter === voter && isTarget ===
        ((compareVersions(each.upgradeVersion, target) ?? 0) === 0)
    ).map(({ id }) => id);
  return {
    target_version_voters: ids(true, true),
    target_version_non_voters: ids(true, false),
    other_version_voters: ids(false, true),
    other_version_non_voters: ids(false, false),
  };
}

/** Only where versions differ, or zones are in use: else there is nothing to tell. */
function upgradeState(
  members: readonly Health[],
  { status, target }: Upgrade,
  hasZones: boolean,
): JsonObject {
  const differ = members.some(({ upgradeVersion }) =>
    (compareVersions(upgradeVersion, target) ?? 0) !== 0
  );
  if (!differ && !hasZones) return {};
  const zones: JsonObject = {};
  for (const [zone, inZone] of Map.groupBy(members, (each) => each.zone)) {
    if (zone !== "") zones[zone] = byVersion(inZone, target);
  }
  const info = { status, target_version: target, ...byVersion(members, target) };
  return { upgrade_info: hasZones ? { ...info, redundancy_zones: zones } : info };
}

function stateOf(node: Node): JsonObject {
  const ha = haOf(node);
  const { isHealthy, failureTolerance, members, since } = ha.autopilot.assess();
  const candidates = members.map(candidateOf);
  const zones = zonesOf(candidates);
  const { upgrade } = ha.autopilot.plan(members);
  const servers: JsonObject = {};
  for (const member of members) {
    const stable_since = rfc3339(since(member.id));
    servers[member.id] = { ...serverOf(ha, member, zones), stable_since };
  }
  const ids = (voter: boolean) => members.filter((m) => m.voter === voter).map(({ id }) => id);
  const learners = ids(false);
  return {
    healthy: isHealthy,
    failure_tolerance: failureTolerance,
    leader: ha.group.leader ?? "",
    servers,
    voters: ids(true),
    ...(learners.length > 0 ? { non_voters: learners } : {}),
    ...featuresState(ha),
    ...zonesState(zones, optimisticTolerance(candidates, failureTolerance)),
    ...upgradeState(members, upgrade, zones.size > 0),
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
        disable_upgrade_migration: field.bool(
          "Whether nodes of an older version go on voting beside enough of a newer one.",
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
              disableUpgradeMigration: input.disable_upgrade_migration,
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
