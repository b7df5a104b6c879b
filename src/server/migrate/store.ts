/** A storage as a side of a migration: read in the order of keys, written in batches. */
import type { StorageConfig } from "../../config/server_types.ts";
import type { Platform } from "../../core/backend.ts";
import { compareKeys } from "../../raft/key_order.ts";
import { FileStore } from "../../storage/file.ts";
import type { Entry, Write } from "../../storage/storage.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { Awaitable } from "../../base/awaitable.ts";
import { isThere } from "../../base/files.ts";
import { raftOptions, StorageConfigError } from "../open_storage.ts";

export interface MoveStore {
  /** For people: `raft at /var/lib/holdfast`. */
  readonly label: string;
  get(key: string): Awaitable<Bytes | undefined>;
  /** Entries after a key, in the order of keys. */
  entries(after: string): AsyncIterable<Entry>;
  /** Durable when it resolves. Its last write is never there without the others. */
  write(batch: readonly Write[]): Promise<void>;
  close(): Promise<void>;
}

/** What is opened for which side. */
export interface Side {
  readonly name: "storage_source" | "storage_destination";
  /** Of the one member of a new group, `host:port`. */
  readonly clusterAddress: string;
  /** Files that are written at a time. */
  readonly parallel: number;
}

const pageEntries = 500;

/** Throws `StorageConfigError` for what can't be a side, and what opening the storage throws. */
export async function openStore(
  config: StorageConfig,
  side: Side,
  platform: Platform,
): Promise<MoveStore> {
  if (config.type === "file") return await fileSide(config.values.path ?? "", side);
  if (config.type === "raft") return await raftSide(config, side, platform);
  throw new StorageConfigError(
    config.type === "inmem" || config.type === "inmem_ha"
      ? `${side.name}: storage "${config.type}" holds nothing outside of its process`
      : `${side.name}: storage "${config.type}" is not in this build`,
  );
}

async function fileSide(path: string, side: Side): Promise<MoveStore> {
  if (path === "") throw new StorageConfigError(`${side.name} "file" needs "path"`);
  if (side.name === "storage_source") await checkThere(path, side);
  const store = await FileStore.open(path);
  return {
    label: `file at ${path}`,
    get: (key) => store.get(key),
    async *entries(after) {
      for await (const key of store.keys()) {
        if (compareKeys(key, after) <= 0) continue;
        const value = await store.get(key);
        if (value !== undefined) yield { key, value };
      }
    },
    async write(batch) {
      const apply = ({ key, value }: Write) =>
        value === null ? store.delete(key) : store.put(key, value);
      const first = batch.slice(0, -1);
      for (let at = 0; at < first.length; at += side.parallel) {
        await Promise.all(first.slice(at, at + side.parallel).map(apply));
      }
      for (const last of batch.slice(-1)) await apply(last);
    },
    close: () => store.close(),
  };
}

async function checkThere(path: string, { name }: Side): Promise<void> {
  if (!await isThere(path)) throw new StorageConfigError(`${name}: there is nothing at ${path}`);
}

type RaftConfig = Extract<StorageConfig, { readonly type: "raft" }>;

async function raftSide(config: RaftConfig, side: Side, platform: Platform): Promise<MoveStore> {
  const { path } = config.values;
  if (path === undefined) throw new StorageConfigError(`${side.name} "raft" needs "path"`);
  const isSource = side.name === "storage_source";
  if (isSource) await checkThere(`${path}/raft`, side);
  else if (side.clusterAddress === "") {
    throw new StorageConfigError('storage_destination "raft" needs cluster_addr in the file');
  }
  const { openRaftStorage } = await import("../../storage/raft.ts");
  const onFatal = (error: Error) => platform.log.error("the disk failed", { error: error.message });
  const storage = await openRaftStorage(raftOptions({ ...config.values, path }, platform, onFatal));
  try {
    const members = storage.configuration().members.length;
    if (members > 1) {
      throw new StorageConfigError(
        `${side.name}: ${path} belongs to a group of ${members} nodes; remove the others first, ` +
          "or make a group of one of it with operator raft recover",
      );
    }
    if (members === 0) {
      if (isSource) throw new StorageConfigError(`${side.name}: ${path} is not initialised`);
      await storage.group.bootstrap(side.clusterAddress);
    }
  } catch (error) {
    await storage.close();
    throw error;
  }
  return {
    label: `raft at ${path}`,
    get: (key) => storage.get(key),
    async *entries(after) {
      for (let last: string | undefined = after; last !== undefined;) {
        const page: Entry[] = await storage.scan("", {
          limit: pageEntries,
          ...(last === "" ? {} : { after: last }),
        });
        yield* page;
        last = page.length < pageEntries ? undefined : page.at(-1)?.key;
      }
    },
    write: (batch) => storage.write(batch),
    close: () => storage.close(),
  };
}
