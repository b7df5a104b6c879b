/** What a node can do with integrated storage, and with no other. */
import type { Entry } from "../storage/storage.ts";

/** Storage that can be read as it is at one moment, and replaced as a whole. */
export interface IntegratedStorage {
  readonly nodeId: string;
  /** Where temporary files may lie. */
  readonly spoolFolder: string;
  /** Must be closed. */
  snapshot(): Promise<FrozenContent>;
  /** On every node, all or nothing; the membership stays as it is. */
  restore(entries: AsyncIterable<Entry>): Promise<void>;
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
