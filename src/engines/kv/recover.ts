/**
 * Bringing a secret back from a snapshot. Nothing that is there now is lost where versions are kept:
 * what comes back is a new version. Only a key that is gone altogether comes back as it was, with its
 * former versions and its settings. The mount may have been of the other version then.
 */
import { fromUtf8 } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import type { Call, RecoverySource } from "../../core/backend.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { addVersion } from "./add_version.ts";
import {
  isReadable,
  keyBody,
  type KeyRecord,
  KvStore,
  newKey,
  v1Prefix,
  versionBody,
} from "./record.ts";

/** The source, which the core gives to every call that recovers. */
function sourceOf({ recovered }: Call): RecoverySource {
  if (recovered === undefined) throw badRequest("nothing to recover from was named");
  return recovered;
}

const absent = () => notFound("the snapshot has no such secret");

/** The key's name, and its record where versions were kept. */
interface Source {
  readonly name: string;
  readonly store: KvStore;
  readonly record: KeyRecord | undefined;
  /** Of version 1. */
  readonly value: JsonObject | undefined;
}

async function readSource(call: Call): Promise<Source> {
  const { path, mount, storage } = sourceOf(call);
  const store = new KvStore(storage);
  if (mount.options.version !== "2") {
    // The mount may have been turned into version 2 since, and is asked for as that.
    const bytes = await storage.get(v1Prefix + path) ??
      await storage.get(v1Prefix + path.replace(/^data\//, ""));
    const value = bytes === undefined ? undefined : parseJson(fromUtf8(bytes));
    if (!isJsonObject(value)) throw absent();
    return { name: path, store, record: undefined, value };
  }
  const name = /^(?:data|metadata)\/(.+)$/s.exec(path)?.[1];
  if (name === undefined) {
    throw badRequest("in the snapshot this mount keeps versions: secrets are below data/");
  }
  const record = await store.key(name);
  if (record === undefined) throw absent();
  return { name, store, record, value: undefined };
}

/** The data of a version, the newest for 0. Throws a 404 where it had been deleted. */
async function dataOf(source: Source, wanted: number, now: number): Promise<JsonObject | null> {
  const { name, store, record, value } = source;
  if (record === undefined) return value ?? null;
  const number = wanted === 0 ? record.currentVersion : wanted;
  const version = record.versions[number];
  if (version === undefined || !isReadable(version, now)) {
    throw notFound(`version ${number} is deleted in the snapshot, or not there; name another`);
  }
  return await store.data(name, number);
}

/** For a mount of version 1: the value is what it was. */
export async function recoveredValue(call: Call, now: number): Promise<JsonObject> {
  const data = await dataOf(await readSource(call), 0, now);
  if (data === null || Object.keys(data).length === 0) throw absent();
  return data;
}

/** `data/`: a new version; all of the key where there is none any more. */
export async function recoverData(
  call: Call,
  keyPath: string,
  wanted: number,
  now: number,
): Promise<LogicalResponse> {
  if (keyPath === "") throw badRequest("missing path");
  const source = await readSource(call);
  const store = new KvStore(call.storage, call.cached);
  const live = await store.key(keyPath);
  if (live === undefined && source.record !== undefined && wanted === 0) {
    await copyKey(source.store, source.name, source.record, store, keyPath);
    return { data: versionBody(source.record, source.record.currentVersion) };
  }
  const data = await dataOf(source, wanted, now);
  const before = live ?? newKey(now);
  const record = addVersion(store, keyPath, before, await store.config(), data, now);
  return { data: versionBody(record, record.currentVersion) };
}

async function copyKey(
  from: KvStore,
  name: string,
  record: KeyRecord,
  to: KvStore,
  keyPath: string,
): Promise<void> {
  for (const [number, { destroyed }] of Object.entries(record.versions)) {
    if (!destroyed) to.putData(keyPath, Number(number), await from.data(name, Number(number)));
  }
  to.putKey(keyPath, record);
}

/** `metadata/`: the settings and notes of a key that is there. */
export async function recoverMetadata(
  call: Call,
  keyPath: string,
  now: number,
): Promise<LogicalResponse> {
  const { record } = await readSource(call);
  if (record === undefined) throw badRequest("in the snapshot this mount keeps no metadata");
  const store = new KvStore(call.storage, call.cached);
  const live = await store.key(keyPath);
  if (live === undefined) throw notFound("there is no such key; recover it below data/");
  const { maxVersions, casRequired, deleteVersionAfter, metadataCasRequired, customMetadata } =
    record;
  const after = {
    ...live,
    maxVersions,
    casRequired,
    deleteVersionAfter,
    metadataCasRequired,
    customMetadata,
    metadataVersion: live.metadataVersion + 1,
    updated: now,
  };
  store.putKey(keyPath, after);
  return { data: keyBody(after) };
}
