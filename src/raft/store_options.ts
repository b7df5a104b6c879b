/** How an integrated storage is opened. */
import type { Clock, Random } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { nodeSha256, type Sha256 } from "./digest.ts";
import { DEFAULT_LIMITS } from "./keys.ts";
import { eventLoopTurn } from "../base/turn.ts";

const MIB = 1024 * 1024;

export interface RaftStorageOptions {
  /** The data directory; made where it is not there. One process at a time. */
  readonly path: string;
  /** Taken over on the first start; made up and kept in the file `node-id` where it is absent. */
  readonly nodeId?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told once when the disk failed: the node must stop serving and be restarted. */
  readonly onFatal: (error: Error) => void;
  /** Bytes of one value; 1 MiB. */
  readonly maxEntrySize?: number;
  /** Bytes of one batch; 8 MiB. */
  readonly maxTransactionSize?: number;
  /** Budget for what was read or written lately; 64 MiB. */
  readonly cacheBytes?: number;
  /** Applied changes are flushed to the state file above so many bytes; 16 MiB. */
  readonly flushBytes?: number;
  /** And at the latest so long after the first of them; 10 s. */
  readonly flushAgeMs?: number;
  /** Writes wait for the flush, or fail on a full disk, above so many unflushed bytes; 96 MiB. */
  readonly unflushedBytesMax?: number;
  /** A log segment is closed above so many bytes; 8 MiB. */
  readonly segmentBytes?: number;
  /** Flushed segments are dropped while the log is over so many bytes; 32 MiB. */
  readonly logBytesMax?: number;
  /** Flushed segments are dropped when they are older; one day. */
  readonly logAgeMaxMs?: number;
  /** Flushed entries that stay in the log for followers that fall behind; 0 in a group of one. */
  readonly trailingEntries?: number;
  /** Whether an empty directory makes a group of one by itself; true. */
  readonly bootstrap?: boolean;
  /** Leaves the group for one of this node alone, for recovery; false. */
  readonly alone?: boolean;
  /**
   * Whether a damaged state file is set aside and fetched anew from the group; false. Only for
   * nodes that never make a group by themselves.
   */
  readonly repair?: boolean;
  /** Where everything is kept; the machine's. */
  readonly disk?: Disk;
  /** SHA-256; node:crypto's unless the caller has a faster one. */
  readonly sha256?: Sha256;
  /** Resolves when a group of writes may be put together; a turn of the event loop. */
  readonly turn?: () => Promise<void>;
  /** Lets others run between parts of a state that is read as a whole; a turn of the event loop. */
  readonly readTurn?: () => Promise<void>;
}

export type Settings = Required<Omit<RaftStorageOptions, "nodeId">> & { readonly nodeId?: string };

export function withDefaults(options: RaftStorageOptions): Settings {
  return {
    ...DEFAULT_LIMITS,
    cacheBytes: 64 * MIB,
    flushBytes: 16 * MIB,
    flushAgeMs: 10_000,
    unflushedBytesMax: 96 * MIB,
    segmentBytes: 8 * MIB,
    logBytesMax: 32 * MIB,
    logAgeMaxMs: 24 * 3600 * 1000,
    trailingEntries: 0,
    bootstrap: true,
    alone: false,
    repair: false,
    disk: denoDisk,
    sha256: nodeSha256,
    turn: eventLoopTurn,
    readTurn: eventLoopTurn,
    ...definedOnly(options),
  };
}

/** An option that is given as undefined is an option that is not given. */
function definedOnly(options: RaftStorageOptions): RaftStorageOptions {
  const copy = { ...options };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) Reflect.deleteProperty(copy, name);
  }
  return copy;
}
