/** `operator raft list-peers|join|remove-peer`: who belongs to the group that keeps the data. */
import { bool, type Flag, int, text } from "../args/flag.ts";
import { fromUtf8 } from "../../base/bytes.ts";
import { describeError } from "../../base/failure.ts";
import type { Call } from "../call.ts";
import { toSecret } from "../client/secret.ts";
import { anyWords, type Command } from "../command.ts";
import { ApiError, CommandError } from "../errors.ts";
import { asList, asObject, asText, type Json } from "../json.ts";
import { keyValue, titled } from "../output/table.ts";

export const drTokenFlag: Flag = text(
  "dr-token",
  "DR operation token, for a node of a DR secondary.",
  { placeholder: "token" },
);

export const listPeers: Command = {
  usage: "[options]",
  about: "Lists the nodes that keep the data together, who leads them and who votes.",
  examples: [["List them", "operator raft list-peers"]],
  flags: [drTokenFlag],
  words: [0, anyWords],
  output: "format",
  async run(call) {
    const client = await call.client();
    const token = call.flags.text("dr-token");
    const path = "sys/storage/raft/configuration";
    const work = token === ""
      ? client.read(path)
      : client.write(path, { dr_operation_token: token }, "POST");
    const secret = await call.during("reading the raft cluster configuration", noRaft(work));
    if (secret?.data === undefined) {
      throw new CommandError("Error: no raft cluster configuration found", 2);
    }
    if (!call.forPeople) return await call.secret(secret);
    const servers = asList(asObject(secret.data.config).servers).map(asObject);
    call.lines(titled(
      ["Node", "Address", "State", "Voter"],
      servers.map((server) => [
        asText(server.node_id),
        asText(server.address),
        server.leader === true ? "leader" : "follower",
        String(server.voter === true),
      ]),
    ));
    return 0;
  },
};

/** A node without integrated storage does not know the path. */
export async function noRaft<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

const joinTexts: readonly (readonly [string, string])[] = [
  ["leader-ca-cert", "CA certificate (PEM, or @file) that the leader's must go back to."],
  ["leader-client-cert", "Certificate (PEM, or @file) to show to the leader."],
  ["leader-client-key", "Private key (PEM, or @file) of -leader-client-cert."],
];

export const join: Command = {
  usage: "[options] [LEADER-API-ADDRESS | AUTO-JOIN CONFIGURATION]",
  about: "Makes a new node join the others. Ask this of the new node, and unseal it afterwards.",
  examples: [["Join the node at another address", "operator raft join https://10.0.0.2:8200"]],
  flags: [
    int("auto-join-port", "Port of the nodes that were found.", { fallback: "8200" }),
    text("auto-join-scheme", "Scheme of the nodes that were found.", { fallback: "https" }),
    ...joinTexts.map(([name, help]) => text(name, help)),
    bool("non-voter", "Keep the data without a vote."),
    bool("retry", "Try again until it works."),
  ],
  words: [0, 1],
  output: "format",
  async run(call) {
    const client = await call.client();
    const body = await joinBody(call);
    const answer = await call.during(
      "joining the node to the raft cluster",
      client.send({ method: "POST", path: "sys/storage/raft/join", body }),
    );
    const joined = asObject(answer.json).joined === true ||
      asObject(toSecret(answer.json)?.data).joined === true;
    if (!call.forPeople) return await call.value({ joined });
    call.lines(keyValue([["Joined", String(joined)]]));
    return 0;
  },
};

async function joinBody(call: Call): Promise<Record<string, Json>> {
  const { flags } = call;
  const where = call.arg(0).trim();
  const body: Record<string, Json> = {
    retry: flags.bool("retry"),
    non_voter: flags.bool("non-voter"),
  };
  for (const [name] of joinTexts) {
    body[name.replaceAll("-", "_")] = await textOrFile(call, flags.text(name));
  }
  if (!/(^|\s)provider=/.test(where)) return { ...body, leader_api_addr: where };
  return {
    ...body,
    auto_join: where,
    auto_join_scheme: flags.text("auto-join-scheme"),
    auto_join_port: flags.int("auto-join-port") ?? 8200,
  };
}

async function textOrFile(call: Call, value: string): Promise<string> {
  if (!value.startsWith("@")) return value;
  try {
    return fromUtf8(await call.io.readFile(value.slice(1)));
  } catch (error) {
    throw new CommandError(`Error reading ${value.slice(1)}: ${describeError(error)}`, 1);
  }
}

export const removePeer: Command = {
  usage: "[options] NODE-ID",
  about: "Takes a node out of the group for good. It must be gone, or wiped before it comes back.",
  examples: [["Take a dead node out", "operator raft remove-peer node-3"]],
  flags: [drTokenFlag],
  words: [1, 1],
  async run(call) {
    const client = await call.client();
    const token = call.flags.text("dr-token");
    const body = {
      server_id: call.arg(0).trim(),
      ...(token === "" ? {} : { dr_operation_token: token }),
    };
    await call.during(
      "removing the peer from the raft cluster",
      client.write("sys/storage/raft/remove-peer", body, "POST"),
    );
    call.line("Peer removed successfully!");
    return 0;
  },
};
