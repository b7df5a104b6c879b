/** What carries messages and states between nodes, as the group sees it. */
import type { Configuration } from "./consensus/configuration.ts";
import type { Message, NodeId } from "./consensus/messages.ts";
import type { ChainLink } from "./log_record.ts";
import type { StoredEntry } from "./state.ts";

/** What a state that is sent as a whole says of itself. */
export interface StateHead {
  readonly from: NodeId;
  readonly term: number;
  /** The last log entry of which everything is in it. */
  readonly at: ChainLink;
  /** The membership as of then, in its text form. */
  readonly configuration: string;
  /** The set hash over its entries. */
  readonly hash: Uint8Array;
  /** Set where this is content for a replacement to come, under this name, and not the state. */
  readonly staged?: string;
}

export interface Transport {
  /** Sends if it can be sent now or soon; may be lost, is never doubled. */
  send(message: Message): void;
  /** Sends a state; resolves with whether the peer has taken it in. Rejects where it broke off. */
  sendState(to: NodeId, head: StateHead, entries: AsyncIterable<StoredEntry>): Promise<boolean>;
  /** Tells who the peers are from now on. */
  setPeers(configuration: Configuration): void;
}
