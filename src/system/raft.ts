/** `sys/storage/raft/configuration`, `remove-peer`, `sys/step-down`, `sys/ha-status`. */
import { badRequest, changingOver, permissionDenied } from "../base/failure.ts";
import { version } from "../base/version.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { HighAvailability } from "../ha/high_availability.ts";
import type { Node } from "../core/node.ts";
import type { JsonObject } from "../logical/json.ts";
import { rfc3339 } from "../logical/envelope.ts";
import { NotLeaderError } from "../storage/storage.ts";

function haOf(node: Node): HighAvailability {
  if (node.ha === undefined) throw badRequest("raft storage is not in use");
  return node.ha;
}

function configuration(node: Node): JsonObject {
  const ha = haOf(node);
  const { group } = ha;
  return {
    index: group.commitIndex,
    servers: ha.members().map(({ id, address, voter }) => ({
      node_id: id,
      address,
      leader: id === group.leader,
      voter,
      protocol_version: "3",
    })),
  };
}

async function removePeer(node: Node, id: string): Promise<void> {
  const { group } = haOf(node);
  if (id === "") throw badRequest("no server id provided");
  if (id === group.nodeId) {
    throw badRequest("the active node can't be removed: let another take over first");
  }
  try {
    await group.remove(id);
  } catch (error) {
    if (!(error instanceof NotLeaderError)) throw error;
    throw changingOver("this node is not active any more", error);
  }
}

/** The active node, and who has said lately that it stands by. */
function haNodes(node: Node): JsonObject[] {
  const factsOf = (id: string) => {
    const facts = node.ha?.features.factsOf(id);
    return {
      upgrade_version: facts?.upgradeVersion || version,
      redundancy_zone: facts?.zone ?? "",
    };
  };
  const own = {
    hostname: node.hostname,
    api_address: node.addresses.api,
    cluster_address: node.addresses.cluster,
    active_node: true,
    last_echo: null,
    version,
    ...factsOf(node.ha?.nodeId ?? ""),
    echo_duration_ms: 0,
    clock_skew_ms: 0,
  };
  const standbys = (node.ha?.standbys() ?? []).map((heard) => ({
    hostname: heard.hostname,
    api_address: heard.api,
    cluster_address: heard.cluster,
    active_node: false,
    last_echo: rfc3339(heard.heardAt),
    version: heard.version,
    ...factsOf(heard.id),
    echo_duration_ms: 0,
    clock_skew_ms: Math.round(heard.now - heard.heardAt),
  }));
  return [own, ...standbys];
}

export function raftPaths(node: () => Node): Path[] {
  return [
    path("storage/raft/configuration", {
      summary: "The nodes that keep the data.",
      operations: {
        read: {
          summary: "Lists the nodes that keep the data.",
          handler: () => ({ data: { config: configuration(node()) } }),
        },
      },
    }),
    path("storage/raft/remove-peer", {
      summary: "Takes a node out of the group.",
      fields: {
        server_id: field.string("The node.", ""),
        dr_operation_token: field.string("Has no effect.", ""),
      },
      operations: {
        update: {
          summary: "Takes a node out of the group.",
          handler: (call, input) => {
            // A change of the membership is no part of what the transaction may do again.
            call.transaction.beforeAnswer(() => removePeer(node(), input.server_id));
          },
        },
      },
    }),
    path("step-down", {
      summary: "Hands the active role to another node.",
      sudo: true,
      operations: {
        update: {
          summary: "Gives the active role away.",
          // After the answer: the node ends the requests under way, of which this is one.
          handler: () => node().stepDownSoon(),
        },
      },
    }),
    path("ha-status", {
      summary: "The cluster's nodes.",
      operations: {
        read: {
          summary: "Lists the cluster's nodes.",
          handler: (call) => {
            if (call.token === undefined) throw permissionDenied();
            const nodes = haNodes(node());
            return { data: { nodes }, topLevel: { nodes } };
          },
        },
      },
    }),
  ];
}
