/** `sys/storage/raft/join` and `sys/storage/raft/bootstrap/*`: how a node comes to a cluster. */
import { badRequest, changingOver, Failure } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import type { Node } from "../../core/node.ts";
import { seekByDns } from "../../ha/discover.ts";
import type { HighAvailability } from "../../ha/high_availability.ts";
import { encodeKeyring } from "../../ha/tls_keyring.ts";
import { PROTOCOL } from "../../raft/formats.ts";
import { commonProtocol, decodeFacts, type NodeFacts } from "../../raft/net/node_facts.ts";
import type { JsonObject } from "../../logical/json.ts";
import { readSealConfig } from "../../seal/stored.ts";
import { flat, type NodeRoute, nodeRoute } from "./route.ts";

const joinFields = {
  leader_api_addr: field.string("URL of a node of the cluster.", ""),
  leader_ca_cert: field.string("CA that its certificate goes back to, PEM.", ""),
  leader_client_cert: field.string("Certificate to show to it, PEM.", ""),
  leader_client_key: field.string("Key of that certificate, PEM.", ""),
  leader_tls_servername: field.string("Name its certificate must have.", ""),
  auto_join: field.string("How nodes are found, instead of an address.", ""),
  auto_join_scheme: field.string("Scheme of the nodes that are found.", "https"),
  auto_join_port: field.int("Port of the nodes that are found.", 8200),
  retry: field.bool("Tries again until it works.", false),
  non_voter: field.bool("Keeps the data without a vote.", false),
};

/** Throws a 400 on a node whose storage is its own. */
function haOf(node: Node): HighAvailability {
  if (node.ha === undefined) throw badRequest("raft storage is not in use");
  return node.ha;
}

/** Who answers for the cluster: the node that is active. */
function activeOf(node: Node): HighAvailability {
  const ha = haOf(node);
  if (node.sealed) throw new Failure(503, "Vault is sealed");
  if (node.standby) throw changingOver("this node is not active");
  return ha;
}

/** Throws a 400 where what a node says of itself is of an unknown form, or it knows too little. */
function refuseUnfit(ha: HighAvailability, told: JsonObject): void {
  const facts = factsIn(told);
  const protocol = commonProtocol(PROTOCOL, facts);
  const refusal = typeof protocol === "string" ? protocol : ha.features.refusalOf(facts);
  if (refusal !== undefined) throw badRequest(refusal);
}

function factsIn(told: JsonObject): NodeFacts {
  try {
    return decodeFacts(told);
  } catch (error) {
    throw badRequest("facts are of an unknown form", error);
  }
}

async function challenge(node: Node, serverId: string, facts: JsonObject): Promise<JsonObject> {
  const ha = activeOf(node);
  refuseUnfit(ha, facts);
  const config = await readSealConfig(node.physical);
  if (config === undefined) throw badRequest("Vault is not initialized");
  return {
    challenge: await ha.desk.challenge(serverId, node.ceremonies.seal),
    seal_config: {
      type: config.type,
      secret_shares: config.shares,
      secret_threshold: config.threshold,
      pgp_keys: null,
      nonce: "",
      backup: false,
      stored_shares: 1,
    },
  };
}

export function joinRoutes(node: Node): NodeRoute[] {
  return [
    nodeRoute("sys/storage/raft/join", joinFields, {
      POST: async (input) => {
        const ha = haOf(node);
        if (ha.group.isMember) throw badRequest("the node belongs to a raft cluster already");
        const { leader_api_addr: address, auto_join } = input;
        if ((address === "") === (auto_join === "")) {
          throw badRequest("either leader_api_addr or auto_join is required");
        }
        const trust = {
          caCert: input.leader_ca_cert,
          clientCert: input.leader_client_cert,
          clientKey: input.leader_client_key,
          serverName: input.leader_tls_servername,
        };
        const found = { scheme: input.auto_join_scheme, port: input.auto_join_port, trust };
        const seek = auto_join === ""
          ? () => Promise.resolve([{ ...trust, address }])
          : seekByDns(auto_join, found);
        await ha.joiner.begin(seek, input.non_voter, input.retry);
        return flat({ joined: true });
      },
    }),
    nodeRoute("sys/storage/raft/bootstrap/challenge", {
      server_id: field.string("The node that wants to join.", ""),
      facts: field.map("What it says of itself.", {}),
    }, { POST: async (input) => ({ data: await challenge(node, input.server_id, input.facts) }) }),
    nodeRoute("sys/storage/raft/bootstrap/answer", {
      server_id: field.string("The node that wants to join.", ""),
      answer: field.string("The proof, in base64.", ""),
      cluster_addr: field.string("Its cluster port.", ""),
      non_voter: field.bool("Whether it stays without a vote.", false),
    }, {
      POST: async (input) => {
        const ha = activeOf(node);
        const { server_id: id, answer, cluster_addr: address, non_voter: nonVoter } = input;
        const { applicant, seal } = ha.desk.admit(id, answer, address, nonVoter);
        const keyring = await ha.ensureCluster();
        await ha.admit(applicant);
        const { members } = ha.group.configuration;
        return {
          data: {
            peers: members.map((member) => ({
              id: member.id,
              address: member.address,
              suffrage: member.voter ? 0 : 1,
            })),
            tls_keyring: seal(encodeKeyring(keyring)),
          },
        };
      },
    }),
  ];
}
