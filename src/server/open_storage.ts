/** Opens the storage that the configuration names. */
import { join } from "node:path";
import { removeIfThere } from "../base/files.ts";
import type { IntegratedStorage, RaftIndexes } from "../core/integrated_storage.ts";
import type { Platform } from "../core/backend.ts";
import type { ServerConfig } from "../config/server_types.ts";
import { MIGRATION_KEY, MIGRATION_PROGRESS_KEY } from "../barrier/physical.ts";
import { InmemStorage } from "../storage/inmem.ts";
import type { IntegratedStorage as RaftStorage, RaftStorageOptions } from "../storage/raft.ts";
import type { Storage } from "../storage/storage.ts";

/** A storage and what the node tells about it. */
export interface OpenedStorage {
  readonly physical: Storage;
  readonly type: string;
  /** Several nodes can share it, one of them active. */
  readonly haEnabled: boolean;
  /** The name of this node in a raft group. */
  readonly nodeId: string | undefined;
  raftIndexes(): RaftIndexes | Record<never, never>;
  /** What only integrated storage can do; undefined for any other. */
  readonly integrated?: IntegratedStorage;
  /** The storage that other nodes can share. */
  readonly raft?: RaftStorage;
  /** Brings to rest what is under way and lets go of files. */
  close(): Promise<void>;
}

/** The storage can't be opened; the message is for the operator. */
export class StorageConfigError extends Error {
  override name = "StorageConfigError";
}

type RaftValues = Extract<ServerConfig["storage"], { readonly type: "raft" }>["values"];

/** What a raft stanza says of the directory, whoever opens it and for what. */
export function raftOptions(
  values: RaftValues & { readonly path: string },
  { clock, random, crypto, log }: Platform,
  onFatal: (error: Error) => void,
): RaftStorageOptions {
  const { path, node_id, max_entry_size, max_transaction_size } = values;
  return {
    path,
    ...(node_id === undefined || node_id === "" ? {} : { nodeId: node_id }),
    clock,
    random,
    log: log.named("storage"),
    onFatal,
    maxEntrySize: max_entry_size,
    maxTransactionSize: max_transaction_size,
    // A new node makes a group when it is initialised, or joins one.
    bootstrap: false,
    sha256: (bytes) => crypto.hash("sha256", bytes),
  };
}

/**
 * Opens it. `onFatal` is told once when the disk has failed: the node must stop serving.
 * Throws `StorageError` naming the file where what is stored is damaged or in use.
 */
export async function openStorage(
  config: ServerConfig["storage"],
  platform: Platform,
  onFatal: (error: Error) => void,
  recovery = false,
): Promise<OpenedStorage> {
  if (config === undefined) throw new StorageConfigError("there is no storage stanza");
  if (config.type === "inmem") return inmemStorage();
  if (config.type === "file") throw new StorageConfigError(onlyForMigration);
  if (config.type !== "raft") {
    throw new StorageConfigError(`storage "${config.type}" is not in this build`);
  }
  const { path } = config.values;
  if (path === undefined) throw new StorageConfigError('storage "raft" needs "path"');
  const { openRaftStorage } = await import("../storage/raft.ts");
  const storage = await openRaftStorage({
    ...raftOptions({ ...config.values, path }, platform, onFatal),
    trailingEntries: config.values.trailing_logs,
    alone: recovery,
    repair: !recovery && config.values.retry_join.length > 0,
  });
  await refuseMigrating(storage, path);
  // What a process that died had taken in and not put in place; nobody else works in the directory.
  const spoolFolder = join(path, "spool");
  await removeIfThere(spoolFolder, { recursive: true });
  return {
    physical: storage,
    raft: storage,
    type: "raft",
    haEnabled: true,
    nodeId: storage.nodeId,
    // Before there is a group there is nothing to tell.
    raftIndexes: () =>
      storage.commitIndex === 0 && storage.appliedIndex === 0 ? {} : {
        raft_committed_index: storage.commitIndex,
        raft_applied_index: storage.appliedIndex,
      },
    integrated: {
      nodeId: storage.nodeId,
      spoolFolder,
      async snapshot() {
        const pinned = await storage.snapshot();
        const { index, term } = pinned.meta.applied;
        return { index, term, entries: () => pinned.entries(), close: () => pinned.close() };
      },
      replacement: () => storage.replacement(),
    },
    close: () => storage.close(),
  };
}

/** A part of the data would be changed, or all of it behind the back of a migration. */
async function refuseMigrating(storage: RaftStorage, path: string): Promise<void> {
  const problem = await migrationProblem(storage, path);
  if (problem === undefined) return;
  await storage.close();
  throw new StorageConfigError(problem);
}

/** What keeps a server from a storage that `operator migrate` is not done with. */
export async function migrationProblem(
  storage: Pick<Storage, "get">,
  path: string,
): Promise<string | undefined> {
  if (await storage.get(MIGRATION_KEY) !== undefined) {
    return `${path} is the source of a migration: run operator migrate to its end, or with -reset`;
  }
  if (await storage.get(MIGRATION_PROGRESS_KEY) !== undefined) {
    return `${path} holds a part of what operator migrate copies: run it to its end`;
  }
  return undefined;
}

/** Why there is no server on files. */
export const onlyForMigration = 'storage "file" is only for operator migrate: what one request ' +
  "changes would not be one atomic write in it";

/** Forgets everything at the end of the process. */
export function inmemStorage(): OpenedStorage {
  const physical = new InmemStorage();
  return {
    physical,
    type: "inmem",
    haEnabled: false,
    nodeId: undefined,
    raftIndexes: () => ({}),
    close: () => physical.close(),
  };
}
