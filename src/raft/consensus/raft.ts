/**
 * Consensus as a pure state machine: `tick`, `step`, `propose` go in, `ready` says what to do. No
 * I/O, no clock, no chance of its own. After Ongaro and Ousterhout, "In Search of an
 * Understandable Consensus Algorithm" (2014), and Ongaro's thesis; its assertions stay on.
 */
import { CorruptionError } from "../errors.ts";
import { EntryType, type LogEntry, type Position } from "../log_entry.ts";
import {
  type Configuration,
  encodeConfiguration,
  isOneStep,
  isQuorum,
  isVoter,
} from "./configuration.ts";
import { Core, type Leader, type PlacedConfiguration, type RaftSettings } from "./core.ts";
import { becomeFollower, campaign, onVote, onVoteReply } from "./election.ts";
import { EntryLog, type LogBoot } from "./entry_log.ts";
import type { HardState, Message, NodeId, Ready } from "./messages.ts";
import {
  advanceCommit,
  appendOwn,
  continueTransfer,
  heartbeat,
  NO_ATTEMPT,
  onAppend,
  onAppendReply,
  onFetched,
  onHeartbeat,
  onHeartbeatReply,
  onSnapshot,
  replicate,
  tellCommit,
} from "./replication.ts";
import { noteRead } from "./read_index.ts";

export interface RaftBoot {
  readonly settings: RaftSettings;
  readonly hardState: HardState;
  readonly log: LogBoot;
  /** The last configuration that is known to be committed, and those after it, oldest first. */
  readonly configurations: readonly PlacedConfiguration[];
  /** Everything up to here is known to be committed. */
  readonly commit: number;
  /** Bytes of recent entries that are kept at hand. */
  readonly windowBytes: number;
  /** The last applied entry that replaced everything; 0 where none did. */
  readonly replacedAt?: number;
}

export type RoleName = "follower" | "candidate" | "leader";

export class Raft {
  readonly #core: Core;

  constructor(boot: RaftBoot) {
    const log = new EntryLog(boot.log, boot.windowBytes);
    if (boot.commit > log.last.index) {
      throw new CorruptionError(
        `the state holds log entry ${boot.commit}, the log ends at ${log.last.index}`,
      );
    }
    const { settings, hardState, commit } = boot;
    this.#core = new Core(settings, log, [...boot.configurations], hardState, commit);
    this.#core.replacedAt = boot.replacedAt ?? 0;
  }

  get role(): RoleName {
    return this.#core.role.name;
  }

  /** How often it became leader, candidate, follower, since the start, and why. */
  get transitions(): Readonly<Core["transitions"]> {
    return this.#core.transitions;
  }

  get term(): number {
    return this.#core.hard.term;
  }

  get leader(): NodeId | undefined {
    return this.#core.leader;
  }

  get commitIndex(): number {
    return this.#core.commit;
  }

  get last(): Position {
    return this.#core.log.last;
  }

  get configuration(): Configuration {
    return this.#core.configuration;
  }

  /** Where the term of this leader begins; what is applied up to there is all there ever was. */
  get leadingFrom(): number | undefined {
    const { role } = this.#core;
    return role.name === "leader" ? role.firstIndex : undefined;
  }

  /** Whether a change of the membership is in the log and not committed yet. */
  get isReconfiguring(): boolean {
    return (this.#core.configurations.at(-1)?.index ?? 0) > this.#core.commit;
  }

  /** Whether `ready` has nothing to hand out. */
  get isIdle(): boolean {
    return this.#core.isIdle;
  }

  /** Up to where a peer's log is known to agree with this leader's; undefined where nobody knows. */
  matchOf(peer: NodeId): number | undefined {
    const { role } = this.#core;
    return role.name === "leader" ? role.progress.get(peer)?.match : undefined;
  }

  /** Whether this is a member that has forgotten its log: a group of its own would be a second. */
  get mustRejoin(): boolean {
    return this.#core.settings.floor !== undefined;
  }

  /** Makes a group of a node that belongs to none. Throws where there is one, or a log. */
  bootstrap(configuration: Configuration): void {
    const core = this.#core;
    if (core.configuration.members.length > 0 || core.log.last.index > 0) {
      throw new Error("the node belongs to a group already");
    }
    if (this.mustRejoin) throw new Error("the node must join its group again");
    core.configurations.splice(0, Infinity, { index: 0, configuration });
  }

  /** Leads no more and waits to hear of somebody who does. */
  resign(): void {
    becomeFollower(this.#core, this.#core.hard.term, undefined);
  }

  /** One step of time. */
  tick(): void {
    const core = this.#core;
    core.elapsed += 1;
    if (core.role.name === "leader") this.#tickLeader(core.role);
    else if (core.elapsed >= core.timeout) {
      core.transitions.heartbeatTimeouts += 1;
      campaign(core, { transfer: false });
    }
  }

  /** Stands for election now. */
  campaign(): void {
    if (this.#core.role.name !== "leader") campaign(this.#core, { transfer: false });
  }

  /** Takes a message of a peer. */
  step(message: Message): void {
    if (message.to !== this.#core.id || message.from === this.#core.id) return;
    if (!this.#admit(message)) return;
    this.#dispatch(message);
  }

  /** Puts entries into the log. Returns the index of the first; undefined on who does not lead. */
  propose(items: readonly Pick<LogEntry, "type" | "payload">[]): number | undefined {
    const core = this.#core;
    if (core.role.name !== "leader" || core.role.transfer !== undefined) return undefined;
    const { role } = core;
    const first = core.log.last.index + 1;
    for (const item of items) appendOwn(core, role, item);
    replicate(core, role);
    return first;
  }

  /**
   * Proposes a membership that differs in at most one voter. Returns its index; undefined where
   * this node does not lead, or one is still under way, or none of this term is committed yet.
   */
  reconfigure(configuration: Configuration): number | undefined {
    const core = this.#core;
    if (core.role.name !== "leader" || core.commit < core.role.firstIndex) return undefined;
    if ((core.configurations.at(-1)?.index ?? 0) > core.commit) return undefined;
    if (!isOneStep(core.configuration, configuration)) return undefined;
    const payload = encodeConfiguration(configuration);
    return this.propose([{ type: EntryType.configuration, payload }]);
  }

  /** Asks at which index a read is linearizable; the answer comes as a read state. */
  readIndex(context: number): void {
    const core = this.#core;
    if (core.role.name === "leader") {
      noteRead(core, core.role, core.id, context);
      heartbeat(core, core.role);
    } else if (core.leader !== undefined) {
      core.send(core.leader, { type: "readIndex", context });
    } else core.effects.reads.push({ context, index: undefined });
  }

  /** Hands leadership to a voter that then holds the whole log. Returns whether it was begun. */
  transferTo(to: NodeId): boolean {
    const core = this.#core;
    const { role } = core;
    if (role.name !== "leader" || to === core.id || !isVoter(core.configuration, to)) return false;
    role.transfer = { to, ticksLeft: core.settings.electionTicks };
    replicate(core, role);
    continueTransfer(core, role);
    return true;
  }

  /** Everything up to `position` is durable here. */
  persisted(position: Position): void {
    const core = this.#core;
    if (core.role.name !== "leader" || !core.log.has(position)) return;
    core.role.persisted = Math.max(core.role.persisted, position.index);
    advanceCommit(core, core.role);
  }

  /**
   * Takes back proposals that could not be written and that no peer has been sent: only in a
   * group of one. Returns whether they are gone.
   */
  retract(from: number): boolean {
    const core = this.#core;
    if (core.configuration.members.length !== 1 || from <= core.commit) return false;
    core.truncate(from);
    core.effects.truncateFrom = undefined;
    return true;
  }

  /** The entries a fetch asked for; none where they could not be read. */
  fetched(peer: NodeId, entries: readonly LogEntry[]): void {
    onFetched(this.#core, peer, entries);
  }

  /** How the sending of the state to a peer ended. */
  snapshotSent(peer: NodeId, at: Position | undefined): void {
    const { role } = this.#core;
    const progress = role.name === "leader" ? role.progress.get(peer) : undefined;
    if (role.name !== "leader" || progress?.state !== "snapshot") return;
    if (at !== undefined) progress.matched(at.index, NO_ATTEMPT);
    progress.probe(progress.next);
    // After a failure the peer's next sign of life is waited for.
    if (at === undefined) progress.waiting = true;
    else replicate(this.#core, role);
  }

  /**
   * Whether a state that was received is to replace log and state. Where it is not, the log
   * already agrees up to there, and what follows in it may have been acknowledged.
   */
  wantsSnapshot(at: Position): boolean {
    const { role, commit, log } = this.#core;
    return role.name !== "leader" && at.index > commit && !log.has(at);
  }

  /** A follower has taken in a state that `wantsSnapshot`; its log starts anew after it. */
  snapshotInstalled(at: Position, configuration: Configuration): void {
    const core = this.#core;
    if (!this.wantsSnapshot(at)) throw new Error(`the state at ${at.index} was not wanted`);
    core.log.restart(at);
    core.commit = at.index;
    core.configurations.splice(0, Infinity, { index: at.index, configuration });
    if (core.leader === undefined) return;
    const reply = { type: "appendReply", success: true, attempt: NO_ATTEMPT } as const;
    core.send(core.leader, { ...reply, match: at.index, hint: at });
  }

  /** An entry was applied that replaced everything: from now on nobody is led past it by the log. */
  replaced(index: number): void {
    this.#core.replacedAt = index;
  }

  /** The log on disk starts after `base` now. */
  compacted(base: Position): void {
    this.#core.log.compact(base);
  }

  /** Entries of the log that are at hand, for applying them; undefined: read them from disk. */
  recent(from: number, to: number): LogEntry[] | undefined {
    return this.#core.log.recent(from, to);
  }

  /** What is applied need not be kept at hand beyond the window. */
  applied(index: number): void {
    this.#core.log.trim(index);
  }

  /** What there is to do, each thing handed out once. */
  ready(): Ready {
    tellCommit(this.#core);
    return this.#core.takeEffects();
  }

  #tickLeader(role: Leader): void {
    const core = this.#core;
    const { heartbeatTicks, electionTicks } = core.settings;
    if (core.elapsed % heartbeatTicks === 0) {
      for (const progress of role.progress.values()) progress.lookForStall();
      heartbeat(core, role);
    }
    if (role.transfer !== undefined && --role.transfer.ticksLeft <= 0) role.transfer = undefined;
    if (core.elapsed < electionTicks) return;
    core.elapsed = 0;
    const heard = isQuorum(core.configuration, (id) => {
      return id === core.id || role.progress.get(id)?.active === true;
    });
    if (!heard) {
      core.transitions.leaseTimeouts += 1;
      return becomeFollower(core, core.hard.term, undefined);
    }
    for (const progress of role.progress.values()) progress.active = false;
  }

  /** Compares terms. Returns whether the message is to be acted on. */
  #admit(message: Message): boolean {
    const core = this.#core;
    if (message.term > core.hard.term) {
      if (message.type === "vote") {
        // Who hears from a leader is not disturbed by those who don't (thesis 4.2.3).
        const hears = core.leader !== undefined && core.elapsed < core.settings.electionTicks;
        if (hears && !message.transfer) return false;
        if (!message.pre) becomeFollower(core, message.term, undefined);
        return true;
      }
      if (message.type === "voteReply" && message.pre && message.granted) return true;
      const isLeader = message.type === "append" || message.type === "heartbeat" ||
        message.type === "snapshot";
      becomeFollower(core, message.term, isLeader ? message.from : undefined);
      return true;
    }
    if (message.term === core.hard.term) return true;
    // A leader of the past, or a partitioned asker, learns the term from the answer.
    if (message.type === "append" || message.type === "heartbeat" || message.type === "vote") {
      const reply = { type: "appendReply", success: false, attempt: NO_ATTEMPT } as const;
      if (message.type === "vote") {
        core.send(message.from, { type: "voteReply", pre: message.pre, granted: false });
      } else core.send(message.from, { ...reply, match: 0, hint: { index: 0, term: 0 } });
    }
    return false;
  }

  #dispatch(message: Message): void {
    const core = this.#core;
    switch (message.type) {
      case "vote":
        return onVote(core, message);
      case "voteReply":
        return onVoteReply(core, message);
      case "append":
        this.#hear(message);
        return onAppend(core, message);
      case "appendReply":
        return onAppendReply(core, message);
      case "heartbeat":
        this.#hear(message);
        return onHeartbeat(core, message);
      case "heartbeatReply":
        return onHeartbeatReply(core, message);
      case "snapshot":
        this.#hear(message);
        return onSnapshot(core, message);
      case "timeoutNow":
        return campaign(core, { transfer: true });
      case "readIndex":
        if (core.role.name !== "leader") return;
        noteRead(core, core.role, message.from, message.context);
        return heartbeat(core, core.role);
      case "readIndexReply":
        core.effects.reads.push({ context: message.context, index: message.index });
    }
  }

  /** A sign of the leader of this term. */
  #hear(message: Message): void {
    const core = this.#core;
    if (core.role.name === "leader") throw new Error(`two leaders in term ${message.term}`);
    if (core.role.name !== "follower" || core.role.leader !== message.from) {
      becomeFollower(core, message.term, message.from);
    }
    core.elapsed = 0;
  }
}
