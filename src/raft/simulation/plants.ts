/**
 * Faults of the program that are planted to see that the simulator finds them. They alter what
 * goes between nodes, or what a disk or a lease promises; the program itself is left as it is.
 */
import { quorumValue } from "../consensus/configuration.ts";
import type { Message } from "../consensus/messages.ts";
import type { Raft } from "../consensus/raft.ts";
import type { Plant } from "./world.ts";

export const plants: readonly Plant[] = [
  { name: "commit without a quorum", send: acknowledgeForPeer },
  { name: "two votes in a term", send: grantAnyway },
  { name: "vote for a shorter log", receive: praiseLog },
  { name: "answers before what they promise is durable", diskLiesMs: 2000 },
  { name: "a lease that is trusted too long", leaseFactor: 10 },
  { name: "ReadIndex without a quorum", send: answerHeartbeat },
  { name: "a membership that is forgotten in a restart", boot: (found) => found.slice(0, 1) },
  {
    name: "commit of an earlier term's entry by rank",
    react: commitByRank,
    strikes: ["black hole", "ousted leaders"],
  },
];

/** Whoever is sent entries has them, as far as the leader is told. */
function acknowledgeForPeer(message: Message): readonly Message[] {
  if (message.type !== "append") return [message];
  const { from, to, term, attempt, previous, entries } = message;
  const match = previous.index + entries.length;
  const hint = entries.at(-1) ?? previous;
  const answer = { type: "appendReply", success: true, match, attempt, hint } as const;
  return [message, { from: to, to: from, term, ...answer }];
}

/** A vote that was given to somebody else is given again. */
function grantAnyway(message: Message): readonly Message[] {
  if (message.type !== "voteReply" || message.pre) return [message];
  return [{ ...message, granted: true }];
}

/** Every candidate's log is as good as one's own. */
function praiseLog(message: Message): Message {
  if (message.type !== "vote") return message;
  return { ...message, last: { index: Number.MAX_SAFE_INTEGER, term: Number.MAX_SAFE_INTEGER } };
}

/** A leader's round of heartbeats is answered whether or not anybody hears it. */
function answerHeartbeat(message: Message): readonly Message[] {
  if (message.type !== "heartbeat") return [message];
  const { from, to, term, round } = message;
  return [message, { from: to, to: from, term, type: "heartbeatReply", round }];
}

/** What a quorum has is committed, of whichever term it is (figure 8 of the paper). */
function commitByRank(message: Message, raft: Raft): readonly Message[] {
  if (message.type !== "appendReply" || raft.role !== "leader") return [];
  const { to: id } = message;
  const matchOf = (peer: string) => peer === id ? raft.last.index : raft.matchOf(peer) ?? 0;
  const reached = quorumValue(raft.configuration, matchOf);
  if (reached <= raft.commitIndex) return [];
  const peers = raft.configuration.members.filter((member) => member.id !== id);
  return peers.map(({ id: to }) => {
    const commit = Math.min(reached, matchOf(to));
    return { from: id, to, term: raft.term, type: "heartbeat", round: 0, commit };
  });
}
