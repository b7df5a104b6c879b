/** The state that all parts of the algorithm share, and the effects they leave. */
import type { LogEntry, Position } from "../log_entry.ts";
import type { Configuration } from "./configuration.ts";
import type { EntryLog } from "./entry_log.ts";
import type { Fetch, HardState, Message, MessageBody, NodeId, ReadState } from "./messages.ts";
import type { Progress } from "./progress.ts";

export interface RaftSettings {
  readonly id: NodeId;
  /** Ticks of silence after which a follower tries to lead: from this to twice as many. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Most entries of one append. */
  readonly appendEntriesMax: number;
  /** Most appends on their way to one peer. */
  readonly inflightMax: number;
  /** Until its log is as up to date as this a node neither votes nor stands: it has forgotten. */
  readonly floor?: Position;
  /** A number from 0 to below `bound`; the only chance there is in here. */
  readonly random: (bound: number) => number;
  /**
   * Whether this node could apply an entry. One that it could not counts as lost on the way, and
   * the state is sent instead once the others have it. Everything is taken where this is absent.
   */
  readonly accepts?: (entry: LogEntry) => boolean;
}

export interface Follower {
  readonly name: "follower";
  readonly leader: NodeId | undefined;
}

export interface Candidate {
  readonly name: "candidate";
  /** Asking whether there would be votes, without a new term yet. */
  readonly pre: boolean;
  readonly transfer: boolean;
  readonly votes: Map<NodeId, boolean>;
}

export interface PendingRead {
  /** Who asked: this node or a follower. */
  readonly from: NodeId;
  readonly context: number;
  readonly index: number;
  /** The heartbeat round whose answers prove that this node still led when it was asked. */
  readonly round: number;
}

export interface Leader {
  readonly name: "leader";
  readonly progress: Map<NodeId, Progress>;
  /** The index of the no-op that began the term. */
  readonly firstIndex: number;
  /** Own entries that are on disk. */
  persisted: number;
  round: number;
  readonly reads: PendingRead[];
  /** Reads that wait for the first commit of the term. */
  readonly early: { readonly from: NodeId; readonly context: number }[];
  transfer: { readonly to: NodeId; ticksLeft: number } | undefined;
}

export type Role = Follower | Candidate | Leader;

/** A configuration with the index of its entry; the last of the list is in force. */
export interface PlacedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

export class Effects {
  hardState: HardState | undefined;
  truncateFrom: number | undefined;
  entries: LogEntry[] = [];
  early: Message[] = [];
  messages: Message[] = [];
  reads: ReadState[] = [];
  fetches: Fetch[] = [];
}

/** Of most ticks nothing follows. */
const NONE: Readonly<Effects> = new Effects();

export class Core {
  hard: HardState;
  role: Role = { name: "follower", leader: undefined };
  commit: number;
  /** Ticks since the last sign of a leader, or of a leader since the last heartbeat. */
  elapsed = 0;
  timeout: number;
  effects = new Effects();
  /** Whether a peer may not know how far the commit has come, or how far its log agrees with it. */
  mustTell = false;
  /** How often it became what it can be, and why it ceased to be: for those who watch. */
  readonly transitions = {
    leader: 0,
    /** Elections that it began, the questions before them not counted. */
    candidate: 0,
    follower: 0,
    /** Elections, or questions before one, because nothing was heard of a leader. */
    heartbeatTimeouts: 0,
    /** Times that it ceased to lead, because it heard of no majority. */
    leaseTimeouts: 0,
  };
  /** The last applied entry that replaced everything: who lacks it needs the state, not the log. */
  replacedAt = 0;

  constructor(
    readonly settings: RaftSettings,
    readonly log: EntryLog,
    readonly configurations: PlacedConfiguration[],
    hard: HardState,
    commit: number,
  ) {
    this.hard = hard;
    this.commit = commit;
    this.timeout = this.drawTimeout();
  }

  get id(): NodeId {
    return this.settings.id;
  }

  get configuration(): Configuration {
    const placed = this.configurations.at(-1);
    if (placed === undefined) throw new Error("a group needs a configuration");
    return placed.configuration;
  }

  get leader(): NodeId | undefined {
    if (this.role.name === "leader") return this.id;
    return this.role.name === "follower" ? this.role.leader : undefined;
  }

  drawTimeout(): number {
    const { electionTicks, random } = this.settings;
    return electionTicks + random(electionTicks);
  }

  /** Takes a new term and vote; terms never go back and a vote is never changed within one. */
  setHard(hard: HardState): void {
    const { term, vote } = this.hard;
    if (hard.term < term) throw new Error("the term went back");
    if (hard.term === term && vote !== "" && hard.vote !== vote) throw new Error("a second vote");
    if (hard.term === term && hard.vote === vote) return;
    this.hard = hard;
    this.effects.hardState = hard;
  }

  /** To be sent after everything that is to be written now is durable. */
  send(to: NodeId, body: MessageBody, term = this.hard.term): void {
    this.effects.messages.push({ from: this.id, to, term, ...body });
  }

  /** To be sent at once. */
  sendEarly(to: NodeId, body: MessageBody): void {
    this.effects.early.push({ from: this.id, to, term: this.hard.term, ...body });
  }

  /** Puts an entry at the end of the log, to be persisted. */
  append(entry: LogEntry): void {
    this.log.append(entry);
    this.effects.entries.push(entry);
  }

  /** Cuts the log; what is committed can never be cut. */
  truncate(index: number): void {
    if (index <= this.commit) throw new Error(`entry ${index} is committed and can't be replaced`);
    this.log.truncate(index);
    const { entries } = this.effects;
    this.effects.entries = entries.filter((entry) => entry.index < index);
    this.effects.truncateFrom = Math.min(this.effects.truncateFrom ?? Infinity, index);
    while (this.configurations.length > 1 && (this.configurations.at(-1)?.index ?? 0) >= index) {
      this.configurations.pop();
    }
  }

  /** Moves the commit index, which never goes back and never passes the log. */
  commitTo(index: number): void {
    if (index <= this.commit) return;
    if (index > this.log.last.index) throw new Error(`entry ${index} is committed and not here`);
    this.commit = index;
    while ((this.configurations[1]?.index ?? Infinity) <= index) this.configurations.shift();
  }

  /** Whether there are no effects. */
  get isIdle(): boolean {
    const { hardState, truncateFrom, entries, early, messages, reads, fetches } = this.effects;
    return !this.mustTell && hardState === undefined && truncateFrom === undefined &&
      entries.length + early.length + messages.length + reads.length + fetches.length === 0;
  }

  takeEffects(): Readonly<Effects> {
    if (this.isIdle) return NONE;
    const { effects } = this;
    this.effects = new Effects();
    return effects;
  }
}

/** Whether a log that ends at `a` is at least as complete as one that ends at `b`. */
export function isUpToDate(a: Position, b: Position): boolean {
  return a.term > b.term || (a.term === b.term && a.index >= b.index);
}
