/** Where another program's entries are read from, by key, in whatever order they are needed. */
import { open } from "node:fs/promises";
import type { Bytes } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { decodeBlock, type PlacedEntry } from "../snapshot/entry_codec.ts";
import { isOwn } from "../snapshot/meta.ts";
import { FileStore } from "../storage/file.ts";
import type { ReadSnapshot } from "../snapshot/read.ts";

export interface Source {
  /** All keys, sorted. */
  readonly keys: readonly string[];
  /** As it is stored: encrypted, for nearly all keys. */
  stored(key: string): Promise<Bytes | undefined>;
  close(): Promise<void>;
}

/** A snapshot that has been checked. Places are held in memory, values are not. */
export async function snapshotSource(snapshot: ReadSnapshot): Promise<Source> {
  if (isOwn(snapshot.meta)) {
    throw badRequest("the snapshot is Holdfast's own: operator raft snapshot restore takes it");
  }
  const places = new Map<string, Pick<PlacedEntry, "at" | "length">>();
  for await (const { key, at, length } of snapshot.entries()) places.set(key, { at, length });
  const file = await open(snapshot.statePath);
  return {
    keys: [...places.keys()].sort(),
    async stored(key) {
      const place = places.get(key);
      if (place === undefined) return undefined;
      const bytes = new Uint8Array(place.length);
      await file.read(bytes, 0, place.length, place.at);
      return decodeBlock(bytes)[0]?.value;
    },
    close: () => file.close(),
  };
}

/** A directory of Vault's `file` storage, of a server that is stopped. */
export async function fileSource(path: string): Promise<Source> {
  const store = await FileStore.read(path);
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  if (!keys.includes("core/keyring")) {
    throw badRequest(`${path} is no file storage: it has no keyring`);
  }
  return { keys: keys.sort(), stored: (key) => store.get(key), close: () => store.close() };
}
