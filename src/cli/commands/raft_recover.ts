/** `operator raft recover`: makes a group of the data directories that are left. Offline. */
import { bool, list, map } from "../args/flag.ts";
import type { RecoveryPlan } from "../../raft/recovery.ts";
import type { Damaged, Survey } from "../../raft/survey.ts";
import type { Call } from "../call.ts";
import { anyWords, type Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { Json } from "../json.ts";
import { titled } from "../output/table.ts";

export const recover: Command = {
  usage: "[options] DIRECTORY...",
  about: "Makes a cluster of what is left when most of its nodes are lost for good. It reads the " +
    "data directories it is given, of nodes that are stopped, shows how far each log goes, and " +
    "takes the longest. With -write it puts raft/peers.json into the directories of the nodes " +
    "that stay: the one with the longest log leads when it is started, the others vote again " +
    "once they have its log.\n\nGive every directory that can still be had: what only a lost " +
    "one held is lost. Run it as the user that the node runs as. The exit code is 2 where a " +
    "log that was seen would be cut short; -force does it all the same.",
  examples: [
    ["Look, and change nothing", "operator raft recover /var/lib/holdfast"],
    ["Go on with this node alone", "operator raft recover -write /var/lib/holdfast"],
    [
      "Two nodes are left, one has a new address",
      "operator raft recover -write -address=node-2=10.0.0.7:8201 /mnt/node-1 /mnt/node-2",
    ],
  ],
  flags: [
    bool("write", "Write raft/peers.json. Without it nothing is changed."),
    list("keep", "Id of a node that stays; by default all that are given. May be repeated.", {
      placeholder: "id",
    }),
    map("address", "Host and port of a node's cluster port, where it has changed.", {
      placeholder: "id=host:port",
    }),
    bool("force", "Go on though a log that was seen is longer, or can't be read."),
  ],
  words: [1, anyWords],
  output: "format",
  http: false,
  async run(call) {
    const found = await lookAt(call);
    const plan = await planFor(call, found);
    const refused = plan.objections.length > 0 && !call.flags.bool("force");
    const written = call.flags.bool("write") && !refused;
    if (written) await write(plan);
    if (call.forPeople) explain(call, plan, written);
    else await call.value(asJson(found, plan, written));
    return refused ? 2 : 0;
  },
};

async function lookAt(call: Call): Promise<(Survey | Damaged)[]> {
  const { isDamaged, survey } = await import("../../raft/survey.ts");
  const found: (Survey | Damaged)[] = [];
  for (const directory of call.args) {
    found.push(await orRefusal(() => survey(directory.replace(/\/+$/, ""), call.io.clock)));
  }
  if (!call.forPeople) return found;
  call.lines(titled(
    ["Node", "Last Index", "Last Term", "Applied", "Committed", "Members", "Directory"],
    found.map((one) =>
      isDamaged(one) ? [one.nodeId, "damaged", "", "", "", "", one.directory] : [
        one.nodeId,
        String(one.lastIndex),
        String(one.lastTerm),
        String(one.appliedIndex),
        String(one.committedIndex),
        one.members.map(({ id, voter }) => voter ? id : `${id} (no vote)`).join(", "),
        one.directory,
      ]
    ),
  ));
  return found;
}

async function planFor(call: Call, found: readonly (Survey | Damaged)[]): Promise<RecoveryPlan> {
  const { planRecovery } = await import("../../raft/recovery.ts");
  const addresses = new Map(Object.entries(call.flags.map("address")));
  return await orRefusal(() => planRecovery(found, { keep: call.flags.list("keep"), addresses }));
}

async function write({ staying, members }: RecoveryPlan): Promise<void> {
  const { writePeers } = await import("../../raft/peers_file.ts");
  for (const { directory } of staying) await orRefusal(() => writePeers(directory, members));
}

function explain(call: Call, plan: RecoveryPlan, written: boolean): void {
  const { chosen, members, objections, unseen, staying } = plan;
  call.line();
  call.line(`The log of ${chosen.nodeId} goes on, from entry ${chosen.lastIndex}. Members:`);
  for (const { id, address, staysLearner } of members) {
    const what = id === chosen.nodeId
      ? "leads"
      : staysLearner === true
      ? "never votes"
      : "votes once it has caught up";
    call.line(`  ${id} at ${address}: ${what}`);
  }
  if (unseen.length > 0) {
    call.note(
      `Not looked at: ${unseen.join(", ")}. What only they hold will be lost; if a directory of ` +
        "theirs can still be had, give it too. They must never be started again with their data.",
    );
  }
  for (const objection of objections) call.note(`Data would be lost: ${objection}.`);
  if (written) {
    const files = staying.map(({ directory }) => `${directory}/raft/peers.json`);
    call.line(`Written: ${files.join(", ")}. Start the nodes and unseal them.`);
  } else if (objections.length > 0) call.note("Nothing was changed. -force does it all the same.");
  else call.line("Nothing was changed. With -write raft/peers.json is written.");
}

function asJson(
  found: readonly (Survey | Damaged)[],
  { chosen, members, objections, unseen }: RecoveryPlan,
  written: boolean,
): Json {
  return {
    nodes: found.map((one) => ({
      directory: one.directory,
      node_id: one.nodeId,
      ...("damage" in one ? { damage: one.damage } : {
        last_index: one.lastIndex,
        last_term: one.lastTerm,
        applied_index: one.appliedIndex,
        committed_index: one.committedIndex,
        term: one.term,
        vote: one.vote,
        members: one.members.map(memberJson),
      }),
    })),
    chosen: chosen.nodeId,
    members: members.map(memberJson),
    not_seen: [...unseen],
    objections: [...objections],
    written,
  };
}

function memberJson(
  { id, address, voter, staysLearner = false }: RecoveryPlan["members"][number],
): Json {
  return { id, address, voter, non_voter: staysLearner };
}

/** What the storage refuses is told as it stands. */
async function orRefusal<T>(work: () => Promise<T> | T): Promise<T> {
  const { StorageError } = await import("../../raft/errors.ts");
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new CommandError(`Error: ${error.message}`, 2, { cause: error });
  }
}
