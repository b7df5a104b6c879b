/**
 * Linearizable reads without a log entry (thesis 6.4): the commit index as of the question, proved
 * by a round of heartbeats that was sent after it. One round serves all reads that wait.
 */
import { isQuorum } from "./configuration.ts";
import type { Core, Leader } from "./core.ts";
import type { NodeId } from "./messages.ts";

/** Notes a read. It needs the answers to the next round, which the caller sends. */
export function noteRead(core: Core, role: Leader, from: NodeId, context: number): void {
  // Before the first commit of its term a leader does not know what is committed.
  if (core.commit < role.firstIndex) role.early.push({ from, context });
  else role.reads.push({ from, context, index: core.commit, round: role.round + 1 });
}

export function startEarlyReads(core: Core, role: Leader): void {
  for (const { from, context } of role.early.splice(0)) noteRead(core, role, from, context);
}

/** Answers the reads whose round a quorum has answered. */
export function releaseReads(core: Core, role: Leader): void {
  while (role.reads.length > 0) {
    const [read] = role.reads;
    if (read === undefined || read.round > role.round) return;
    const proved = isQuorum(core.configuration, (id) => {
      return id === core.id || (role.progress.get(id)?.round ?? 0) >= read.round;
    });
    if (!proved) return;
    role.reads.shift();
    const { context, index } = read;
    if (read.from === core.id) core.effects.reads.push({ context, index });
    else core.send(read.from, { type: "readIndexReply", context, index });
  }
}
