/** Becoming leader: pre-vote, vote, and giving either (Raft 5.2, 5.4.1; thesis 4.2.3, 9.6). */
import { type Candidate, type Core, isUpToDate } from "./core.ts";
import { isQuorum, isVoter, voters } from "./configuration.ts";
import type { Message, NodeId } from "./messages.ts";
import { becomeLeader } from "./replication.ts";

export function becomeFollower(core: Core, term: number, leader: NodeId | undefined): void {
  if (core.role.name === "leader") abandonReads(core);
  if (term > core.hard.term) core.setHard({ term, vote: "" });
  if (core.role.name !== "follower") core.transitions.follower += 1;
  core.role = { name: "follower", leader };
  core.elapsed = 0;
  core.timeout = core.drawTimeout();
}

/** Starts an election, with the question first whether it could be won. */
export function campaign(core: Core, options: { transfer: boolean }): void {
  // Whoever holds an uncommitted entry that removes it may be the only one who can win and commit
  // it (thesis 4.2.2); its own vote does not count then.
  if (!core.configurations.some(({ configuration }) => isVoter(configuration, core.id))) return;
  if (!remembers(core)) return;
  const [only, ...others] = voters(core.configuration);
  const isAlone = only === core.id && others.length === 0;
  stand(core, { pre: !options.transfer && !isAlone, transfer: options.transfer });
}

function stand(core: Core, { pre, transfer }: Pick<Candidate, "pre" | "transfer">): void {
  const votes = new Map([[core.id, true]]);
  if (!pre) core.transitions.candidate += 1;
  if (!pre) core.setHard({ term: core.hard.term + 1, vote: core.id });
  core.role = { name: "candidate", pre, transfer, votes };
  core.elapsed = 0;
  core.timeout = core.drawTimeout();
  const term = pre ? core.hard.term + 1 : core.hard.term;
  for (const id of voters(core.configuration)) {
    if (id === core.id) continue;
    core.send(id, { type: "vote", pre, last: core.log.last, transfer }, term);
  }
  count(core, core.role);
}

function count(core: Core, { pre, transfer, votes }: Candidate): void {
  if (isQuorum(core.configuration, (id) => votes.get(id) === true)) {
    if (pre) stand(core, { pre: false, transfer });
    else becomeLeader(core);
  } else if (isQuorum(core.configuration, (id) => votes.get(id) === false)) {
    becomeFollower(core, core.hard.term, undefined);
  }
}

/** Whether all is here again that this node has ever acknowledged (see `state_repair.ts`). */
function remembers({ settings: { floor }, log }: Core): boolean {
  return floor === undefined || isUpToDate(log.last, floor);
}

/** Answers who asks for a vote. A real vote's term has been taken over before. */
export function onVote(core: Core, message: Message & { type: "vote" }): void {
  const { from, pre, last, term } = message;
  const isNewer = term > core.hard.term;
  const free = core.hard.vote === "" || core.hard.vote === from;
  const canVote = pre ? isNewer : term === core.hard.term && free;
  const granted = canVote && remembers(core) && isUpToDate(last, core.log.last);
  if (granted && !pre) {
    core.setHard({ term, vote: from });
    core.elapsed = 0;
  }
  // A granted pre-vote speaks of the term to come, a refusal of the one that is.
  core.send(from, { type: "voteReply", pre, granted }, granted ? term : core.hard.term);
}

export function onVoteReply(core: Core, message: Message & { type: "voteReply" }): void {
  const { role } = core;
  if (role.name !== "candidate" || role.pre !== message.pre) return;
  if (message.granted && message.term !== core.hard.term + (role.pre ? 1 : 0)) return;
  if (!role.votes.has(message.from)) role.votes.set(message.from, message.granted);
  count(core, role);
}

/** Whoever waited for a read learns that it was not proved. */
function abandonReads(core: Core): void {
  if (core.role.name !== "leader") return;
  for (const { from, context } of [...core.role.reads, ...core.role.early]) {
    if (from === core.id) core.effects.reads.push({ context, index: undefined });
  }
}
