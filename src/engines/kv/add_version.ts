/** A key's next version. */
import type { JsonObject } from "../../logical/json.ts";
import {
  defaultMaxVersions,
  type KeyRecord,
  type KvConfig,
  type KvStore,
  type VersionRecord,
} from "./record.ts";

/** Adds a version to a key, dropping those that are too many. */
export function addVersion(
  store: KvStore,
  keyPath: string,
  before: KeyRecord,
  config: KvConfig,
  data: JsonObject | null,
  now: number,
): KeyRecord {
  const version = before.currentVersion + 1;
  const deleted = deletionTime(before, config, now);
  const versions: Record<string, VersionRecord> = {
    ...before.versions,
    [version]: { created: now, deleted, destroyed: false },
  };
  const kept = before.maxVersions || config.maxVersions || defaultMaxVersions;
  let { oldestVersion } = before;
  for (const number of Object.keys(versions).map(Number)) {
    if (number > version - kept) continue;
    delete versions[number];
    store.deleteData(keyPath, number);
    oldestVersion = Math.max(oldestVersion, number + 1);
  }
  const record = { ...before, currentVersion: version, oldestVersion, updated: now, versions };
  store.putData(keyPath, version, data);
  store.putKey(keyPath, record);
  return record;
}

/** The shorter of the key's and the mount's time to live; a negative one means none. */
export function deletionTime(record: KeyRecord, config: KvConfig, now: number): number {
  if (record.deleteVersionAfter < 0 || config.deleteVersionAfter < 0) return 0;
  const given = [record.deleteVersionAfter, config.deleteVersionAfter].filter((s) => s > 0);
  return given.length === 0 ? 0 : now + Math.min(...given) * 1000;
}
