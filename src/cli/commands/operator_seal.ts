/** `operator unseal|seal|step-down|key-status|rotate|members`. */
import { bool } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Command } from "../command.ts";
import { asList, asNumber, asObject, asText, type JsonObject } from "../json.ts";
import { columns, titled } from "../output/table.ts";
import { leaderStatus, printSealStatus } from "../output/seal_status.ts";
import { keyShare } from "./key_input.ts";

export const unseal: Command = {
  usage: "[options] [KEY]",
  about: "Gives a node one unseal key. It opens when it has enough of them. Without KEY the key " +
    "is asked for and not shown; typed as a word it stays in the shell's history.",
  examples: [["Give one key", "operator unseal"]],
  flags: [
    bool("migrate", "Give the key for a migration to another seal."),
    bool("reset", "Forget the keys that were given so far."),
  ],
  words: [0, 1],
  output: "format",
  async run(call) {
    const client = await call.client();
    const body: JsonObject = call.flags.bool("reset")
      ? { reset: true }
      : { key: await keyShare(call), migrate: call.flags.bool("migrate") };
    const answer = await call.during(
      "unsealing",
      client.send({ method: "PUT", path: "sys/unseal", body, token: "" }),
    );
    const leader = await call.during("checking the leader status", leaderStatus(client));
    return await printSealStatus(call, asObject(answer.json), leader);
  },
};

export const seal: Command = {
  usage: "[options]",
  about: "Seals the node: it forgets its keys and answers nothing until it is unsealed again.",
  examples: [["Seal it", "operator seal"]],
  words: [0, 0],
  async run(call) {
    const client = await call.client();
    await call.during("sealing", client.write("sys/seal", null));
    call.line("Success! The node is sealed.");
    return 0;
  },
};

export const stepDown: Command = {
  usage: "[options]",
  about: "Makes the active node hand over to another one.",
  examples: [["Hand over", "operator step-down"]],
  words: [0, 0],
  async run(call) {
    const client = await call.client();
    await call.during("stepping down", client.write("sys/step-down", null));
    call.line(`Success! Stepped down: ${client.settings.address}`);
    return 0;
  },
};

export const keyStatus: Command = {
  usage: "[options]",
  about: "Prints which encryption key is in use, since when, and how often it was used.",
  examples: [["Look at the key", "operator key-status"]],
  words: [0, 0],
  output: "format",
  async run(call) {
    const status = await readKeyStatus(call, await call.client());
    if (!call.forPeople) return await call.value(status);
    printKeyStatus(call, status);
    return 0;
  },
};

export const rotate: Command = {
  usage: "[options]",
  about: "Makes a new encryption key, with which everything is encrypted from now on. Older " +
    "keys are kept to read what they encrypted. Unseal keys stay as they are.",
  examples: [["Make a new key", "operator rotate"]],
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    await call.during("rotating key", client.write("sys/rotate", null));
    const status = await readKeyStatus(call, client);
    if (!call.forPeople) return await call.value(status);
    call.line("Success! Rotated key");
    call.line();
    printKeyStatus(call, status);
    return 0;
  },
};

async function readKeyStatus(call: Call, client: Client): Promise<JsonObject> {
  const answer = await call.during(
    "reading key status",
    client.send({ method: "GET", path: "sys/key-status" }),
  );
  const body = asObject(answer.json);
  const status = "term" in body ? body : asObject(body.data);
  return {
    term: asNumber(status.term),
    install_time: asText(status.install_time),
    encryptions: asNumber(status.encryptions),
  };
}

function printKeyStatus(call: Call, status: JsonObject): void {
  call.lines(columns([
    ["Key Term", String(status.term)],
    ["Install Time", shortTime(asText(status.install_time))],
    ["Encryption Count", String(status.encryptions)],
  ]));
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `21 Nov 26 13:57 UTC`, as in the mail headers of RFC 822. */
function shortTime(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(time.getUTCDate())} ${months[time.getUTCMonth()]} ` +
    `${two(time.getUTCFullYear() % 100)} ${two(time.getUTCHours())}:${
      two(time.getUTCMinutes())
    } UTC`;
}

export const members: Command = {
  usage: "[options]",
  about: "Lists the nodes of a cluster and which of them is active.",
  examples: [["List them", "operator members"]],
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    const answer = await call.during(
      "listing members",
      client.send({ method: "GET", path: "sys/ha-status" }),
    );
    const body = asObject(answer.json);
    const nodes = asList(body.nodes ?? asObject(body.data).nodes).map(asObject);
    if (!call.forPeople) return await call.value({ Nodes: nodes });
    const rows = nodes.map((node) => [
      asText(node.hostname),
      asText(node.api_address),
      asText(node.cluster_address),
      String(node.active_node === true),
      asText(node.version),
      asText(node.upgrade_version),
      asText(node.last_echo),
    ]);
    call.lines(titled([
      "Host Name",
      "API Address",
      "Cluster Address",
      "Active Node",
      "Version",
      "Upgrade Version",
      "Last Echo",
    ], rows));
    return 0;
  },
};
