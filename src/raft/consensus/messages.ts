/** What goes in and out of the state machine. */
import type { LogEntry, Position } from "../log_entry.ts";

export type NodeId = string;

/** What must be on disk before anything that follows from it leaves the node. */
export interface HardState {
  readonly term: number;
  /** For whom this node voted in `term`; "" for nobody. */
  readonly vote: NodeId;
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
}

export type MessageBody =
  /** Asks for a vote; with `pre` whether there would be one (thesis 9.6). */
  | {
    readonly type: "vote";
    readonly pre: boolean;
    readonly last: Position;
    /** The leader asked for this election, so nobody need wait for it to be silent. */
    readonly transfer: boolean;
  }
  | { readonly type: "voteReply"; readonly pre: boolean; readonly granted: boolean }
  | {
    readonly type: "append";
    readonly previous: Position;
    readonly entries: readonly LogEntry[];
    readonly commit: number;
    /** Comes back with the answer: tells answers to a new attempt from echoes of an older one. */
    readonly attempt: number;
  }
  /** `match`: up to where both logs agree. A refusal hints at where they may. */
  | {
    readonly type: "appendReply";
    readonly success: boolean;
    readonly match: number;
    readonly attempt: number;
    readonly hint: Position;
  }
  | { readonly type: "heartbeat"; readonly round: number; readonly commit: number }
  | { readonly type: "heartbeatReply"; readonly round: number }
  /** The log no longer reaches back to what the follower lacks: the driver sends the state. */
  | { readonly type: "snapshot"; readonly at: Position }
  | { readonly type: "timeoutNow" }
  /** A follower asks at which index a read would be linearizable. */
  | { readonly type: "readIndex"; readonly context: number }
  | { readonly type: "readIndexReply"; readonly context: number; readonly index: number };

export type Message = Envelope & MessageBody;

/** A read may be answered once everything up to `index` is applied. */
export interface ReadState {
  readonly context: number;
  /** Undefined where leadership was lost before it was proved: ask again. */
  readonly index: number | undefined;
}

/** Entries to be read from the log on disk for a peer that is far behind. */
export interface Fetch {
  readonly peer: NodeId;
  readonly from: number;
  readonly to: number;
}

/**
 * The effects of what was put in, in the order in which they have to happen: write the hard state;
 * send `early`; cut the log at `truncateFrom`; append `entries`; tell `persisted`; send `messages`.
 */
export interface Ready {
  readonly hardState: HardState | undefined;
  readonly truncateFrom: number | undefined;
  readonly entries: readonly LogEntry[];
  /** May leave while the entries are being written. */
  readonly early: readonly Message[];
  /** Promise what is in `entries`; leave after it is durable. */
  readonly messages: readonly Message[];
  readonly reads: readonly ReadState[];
  readonly fetches: readonly Fetch[];
}
