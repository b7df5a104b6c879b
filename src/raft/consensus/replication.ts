/** Leading and following: entries, their order, and when they are committed (Raft 5.3, 5.4.2). */
import { EntryType, type LogEntry, type Position } from "../log_entry.ts";
import { decodeConfiguration, isVoter, quorumValue } from "./configuration.ts";
import type { Core, Leader } from "./core.ts";
import { becomeFollower } from "./election.ts";
import type { Message, NodeId } from "./messages.ts";
import { Progress } from "./progress.ts";
import { releaseReads, startEarlyReads } from "./read_index.ts";

/** The round of a heartbeat that only tells how far the commit has come: nothing is to be answered. */
const UNANSWERED = 0;

/** In answers to something that was no append. */
export const NO_ATTEMPT = -1;

export function becomeLeader(core: Core): void {
  const { index } = core.log.last;
  const role: Leader = {
    name: "leader",
    progress: new Map(),
    firstIndex: index + 1,
    persisted: index,
    round: 0,
    reads: [],
    early: [],
    transfer: undefined,
  };
  core.role = role;
  core.transitions.leader += 1;
  core.elapsed = 0;
  syncPeers(core, role);
  // Entries of older terms are committed by committing one of this term (figure 8).
  appendOwn(core, role, { type: EntryType.noop, payload: new Uint8Array(0) });
  replicate(core, role);
}

/** Adds an entry of the leader's own and sends it on. Returns its index. */
export function appendOwn(
  core: Core,
  role: Leader,
  item: Pick<LogEntry, "type" | "payload">,
): number {
  const entry = { index: core.log.last.index + 1, term: core.hard.term, ...item };
  core.append(entry);
  noteConfiguration(core, entry);
  if (entry.type === EntryType.configuration) syncPeers(core, role);
  return entry.index;
}

/** Keeps the list of peers what the configuration says. */
function syncPeers(core: Core, role: Leader): void {
  const ids = new Set(core.configuration.members.map((member) => member.id));
  ids.delete(core.id);
  for (const id of role.progress.keys()) {
    if (!ids.has(id)) role.progress.delete(id);
  }
  for (const id of ids) {
    if (!role.progress.has(id)) role.progress.set(id, new Progress(core.log.last.index));
  }
}

/** A configuration is in force from the moment it is in the log (thesis 4.1). */
function noteConfiguration(core: Core, { type, index, payload }: LogEntry): void {
  if (type !== EntryType.configuration) return;
  core.configurations.push({ index, configuration: decodeConfiguration(payload) });
}

/** Sends every peer what it lacks, as far as it may be sent. */
export function replicate(core: Core, role: Leader): void {
  for (const [id, progress] of role.progress) sendAppends(core, id, progress);
}

function sendAppends(core: Core, id: NodeId, progress: Progress): void {
  const { appendEntriesMax, inflightMax } = core.settings;
  while (!progress.isPaused(inflightMax)) {
    const { index: last } = core.log.last;
    if (progress.state === "replicating" && progress.next > last) return;
    const isReplaced = progress.next <= core.replacedAt;
    const previousTerm = isReplaced ? undefined : core.log.term(progress.next - 1);
    if (previousTerm === undefined) {
      progress.state = "snapshot";
      progress.snapshotIndex = core.log.base.index;
      core.sendEarly(id, { type: "snapshot", at: core.log.base });
      return;
    }
    const upTo = Math.min(last, progress.next + appendEntriesMax - 1);
    const recent = core.log.recent(progress.next, upTo);
    const entries = recent === undefined ? undefined : withinBytes(recent);
    const to = entries?.at(-1)?.index ?? upTo;
    if (entries === undefined) {
      progress.state = "fetching";
      core.effects.fetches.push({ peer: id, from: progress.next, to });
      return;
    }
    const { attempt } = progress;
    const previous = { index: progress.next - 1, term: previousTerm };
    core.sendEarly(id, { type: "append", previous, entries, commit: core.commit, attempt });
    progress.sent(to);
    progress.told = Math.min(core.commit, to);
  }
}

/** One message never carries more than this, except for an entry that is larger by itself. */
const APPEND_BYTES_MAX = 1024 * 1024;

function withinBytes(entries: LogEntry[]): LogEntry[] {
  let bytes = 0;
  const end = entries.findIndex(({ payload }, i) => {
    bytes += payload.length;
    return i > 0 && bytes > APPEND_BYTES_MAX;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** What was asked for by a fetch has been read from disk. */
export function onFetched(core: Core, peer: NodeId, entries: readonly LogEntry[]): void {
  if (core.role.name !== "leader") return;
  const progress = core.role.progress.get(peer);
  if (progress?.state !== "fetching") return;
  const first = entries[0], last = entries.at(-1);
  const term = core.log.term(progress.next - 1);
  if (
    first === undefined || last === undefined || term === undefined ||
    first.index !== progress.next || !core.log.has(last)
  ) {
    progress.probe(progress.next);
  } else {
    progress.state = "replicating";
    const { attempt } = progress;
    const previous = { index: first.index - 1, term };
    core.sendEarly(peer, { type: "append", previous, entries, commit: core.commit, attempt });
    progress.sent(last.index);
  }
  sendAppends(core, peer, progress);
}

/** A follower's part: agree on what comes before, drop what contradicts, take what is new. */
export function onAppend(core: Core, message: Message & { type: "append" }): void {
  const { from, previous, entries, commit, attempt } = message;
  const reply = { type: "appendReply", attempt } as const;
  if (previous.index < core.commit) {
    // What is committed agrees with every leader to come.
    core.send(from, { ...reply, success: true, match: core.commit, hint: core.log.last });
    return;
  }
  if (!core.log.has(previous)) {
    core.send(from, { ...reply, success: false, match: 0, hint: conflictHint(core, previous) });
    return;
  }
  let match = previous.index;
  for (const entry of entries) {
    if (core.log.has(entry)) {
      match = entry.index;
      continue;
    }
    if (core.settings.accepts?.(entry) === false) break;
    if (entry.index <= core.log.last.index) core.truncate(entry.index);
    core.append(entry);
    noteConfiguration(core, entry);
    match = entry.index;
  }
  core.commitTo(Math.min(commit, match));
  core.send(from, { ...reply, success: true, match, hint: core.log.last });
}

/** The last entry here whose term is at most that of the refused one: the logs agree no later. */
function conflictHint(core: Core, previous: Position): Position {
  let index = Math.min(previous.index, core.log.last.index);
  let term = core.log.term(index);
  while (term !== undefined && term > previous.term && index > core.log.base.index) {
    index = core.log.termStart(index) - 1;
    term = core.log.term(index);
  }
  return { index, term: term ?? 0 };
}

/** A state is on its way here. Who has as much already says so. */
export function onSnapshot(core: Core, { from, at }: Message & { type: "snapshot" }): void {
  // A log that reaches this far in agreement stays: what follows may have been acknowledged.
  if (core.log.has(at)) core.commitTo(at.index);
  if (at.index > core.commit) return;
  const reply = { type: "appendReply", success: true, attempt: NO_ATTEMPT } as const;
  core.send(from, { ...reply, match: core.commit, hint: core.log.last });
}

export function onAppendReply(core: Core, message: Message & { type: "appendReply" }): void {
  const { role } = core;
  if (role.name !== "leader") return;
  const progress = role.progress.get(message.from);
  if (progress === undefined) return;
  progress.active = true;
  if (message.success) {
    // It has what the state on its way to it would bring.
    if (progress.state === "snapshot" && message.match >= progress.snapshotIndex) {
      progress.probe(message.match + 1);
    }
    const match = Math.min(message.match, core.log.last.index);
    if (progress.matched(match, message.attempt)) {
      core.mustTell = true;
      advanceCommit(core, role);
    }
    if (core.role === role) continueTransfer(core, role);
  } else if (message.attempt === progress.attempt && progress.state !== "snapshot") {
    // An answer to this attempt: it speaks of the log as it is, which a repair may have emptied.
    progress.fallBack(agreement(core, message.hint) + 1);
  }
  if (core.role === role) sendAppends(core, message.from, progress);
}

/**
 * The last entry here that can agree with a follower whose hint this is; before the log's base
 * where none can, so that the state is sent.
 */
function agreement(core: Core, hint: Position): number {
  const { base } = core.log;
  let index = Math.min(hint.index, core.log.last.index);
  let term = core.log.term(index);
  while (term !== undefined && term > hint.term) {
    index = index > base.index ? core.log.termStart(index) - 1 : base.index - 1;
    term = core.log.term(index);
  }
  return index;
}

/** Entries are committed that a quorum has on disk, counting only those of the own term. */
export function advanceCommit(core: Core, role: Leader): void {
  const reached = quorumValue(core.configuration, (id) => {
    return id === core.id ? role.persisted : role.progress.get(id)?.match ?? 0;
  });
  if (reached <= core.commit || core.log.term(reached) !== core.hard.term) return;
  const knewTerm = core.commit >= role.firstIndex;
  core.commitTo(reached);
  if (!knewTerm && role.early.length > 0) {
    startEarlyReads(core, role);
    heartbeat(core, role);
  }
  releaseReads(core, role);
  core.mustTell = true;
  const isSettled = (core.configurations.at(-1)?.index ?? 0) <= core.commit;
  if (isSettled && !isVoter(core.configuration, core.id)) {
    becomeFollower(core, core.hard.term, undefined);
  }
}

/** A peer may only commit what is known to be in its log. */
function commitFor(core: Core, progress: Progress): number {
  return Math.min(core.commit, progress.match);
}

/**
 * Tells the peers how far the commit has come, where no append that leaves with it does. A busy
 * leader always has one; an idle one's followers would else wait for the next heartbeat.
 */
export function tellCommit(core: Core): void {
  if (!core.mustTell) return;
  core.mustTell = false;
  if (core.role.name !== "leader") return;
  for (const [id, progress] of core.role.progress) {
    if (progress.state !== "replicating" || commitFor(core, progress) <= progress.told) continue;
    sendHeartbeat(core, id, progress, UNANSWERED);
  }
}

function sendHeartbeat(core: Core, id: NodeId, progress: Progress, round: number): void {
  progress.told = commitFor(core, progress);
  core.sendEarly(id, { type: "heartbeat", round, commit: progress.told });
}

/** A new round of heartbeats. */
export function heartbeat(core: Core, role: Leader): void {
  role.round += 1;
  for (const [id, progress] of role.progress) sendHeartbeat(core, id, progress, role.round);
  releaseReads(core, role);
}

export function onHeartbeat(core: Core, message: Message & { type: "heartbeat" }): void {
  core.commitTo(Math.min(message.commit, core.log.last.index));
  if (message.round === UNANSWERED) return;
  core.send(message.from, { type: "heartbeatReply", round: message.round });
}

export function onHeartbeatReply(core: Core, message: Message & { type: "heartbeatReply" }): void {
  const { role } = core;
  if (role.name !== "leader") return;
  const progress = role.progress.get(message.from);
  if (progress === undefined) return;
  progress.active = true;
  progress.round = Math.max(progress.round, message.round);
  // It is there and appends are not answered: one was lost, and all after it were refused.
  if (progress.state === "replicating" && progress.isStalled) progress.probe(progress.match + 1);
  else if (progress.state === "probing") progress.waiting = false;
  sendAppends(core, message.from, progress);
  releaseReads(core, role);
}

/** Hands over once the successor has everything. */
export function continueTransfer(core: Core, role: Leader): void {
  const { transfer } = role;
  if (transfer === undefined) return;
  if (role.progress.get(transfer.to)?.match === core.log.last.index) {
    core.send(transfer.to, { type: "timeoutNow" });
  }
}
