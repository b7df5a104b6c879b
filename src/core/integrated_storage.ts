/** What a node can do with integrated storage, and with no other. */
import type { Entry } from "../storage/storage.ts";

/** Storage that can be read as it is at one moment, and replaced as a whole. */
export interface IntegratedStorage {
  readonly nodeId: string;
  /** Where temporary files may lie. */
  readonly spoolFolder: string;
  /** Must be closed. */
  snapshot(): Promise<FrozenContent>;
  /**
   * Begins to replace everything, on every node, all or nothing; the membership stays as it is. Throws
   * `ReplacementUnderWayError` until the one before is closed.
   */
  replacement(): ContentReplacement;
}

/** Other content on its way into the place of everything. Must be closed. */
export interface ContentReplacement {
  /**
   * Lays it down on this node, in the place of what it laid down before, while all goes on; nothing of
   * it counts yet. A value need only stay
   * as it is until the next entry is asked for. `goOn` is called now and then, and throws where it is
   * not wanted any more.
   */
  stage(entries: AsyncIterable<Entry>, goOn?: () => void): Promise<void>;
  /** Gives it to the other nodes, while all goes on. Rejects where too few have it then. */
  spread(): Promise<void>;
  /** Puts it in use, in a moment. Throws `NotLeaderError` where nothing was changed. */
  use(): Promise<void>;
  /** Drops it where it is not in use. */
  close(): Promise<void>;
}

/** Everything as of one log entry. */
export interface FrozenContent {
  readonly index: number;
  readonly term: number;
  entries(): AsyncIterable<Entry>;
  close(): void;
}

export interface RaftIndexes {
  readonly raft_committed_index: number;
  readonly raft_applied_index: number;
}
