/**
 * What KV keeps: in version 1 a value a key; in version 2 a metadata entry a key, and an entry for the
 * data of each version.
 */
import type { Awaitable } from "../../base/awaitable.ts";
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../logical/json.ts";
import { formatDuration } from "../../config/units.ts";
import type { Call } from "../../core/backend.ts";
import type { View } from "../../storage/transaction.ts";

export const v1Prefix = "v1/";
export const v2Prefix = "v2/";
const configKey = `${v2Prefix}config`;
export const metadataPrefix = `${v2Prefix}metadata/`;

/** Versions kept where neither the key nor the mount says how many. */
export const defaultMaxVersions = 10;

/** Durations in seconds; negative ones switch the deletion off. */
export interface KvConfig {
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly deleteVersionAfter: number;
  readonly metadataCasRequired: boolean;
}

/** Milliseconds since the epoch; 0 where it was not or will not be deleted. */
export interface VersionRecord {
  readonly created: number;
  readonly deleted: number;
  readonly destroyed: boolean;
}

export interface KeyRecord {
  readonly currentVersion: number;
  readonly oldestVersion: number;
  readonly created: number;
  readonly updated: number;
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly deleteVersionAfter: number;
  readonly metadataCasRequired: boolean;
  readonly metadataVersion: number;
  readonly customMetadata: Readonly<Record<string, string>> | null;
  /** By version number. */
  readonly versions: Readonly<Record<string, VersionRecord>>;
}

const defaultConfig: KvConfig = {
  maxVersions: 0,
  casRequired: false,
  deleteVersionAfter: 0,
  metadataCasRequired: false,
};

/** A key nobody has written to. */
export function newKey(now: number): KeyRecord {
  return {
    currentVersion: 0,
    oldestVersion: 0,
    created: now,
    updated: now,
    maxVersions: 0,
    casRequired: false,
    deleteVersionAfter: 0,
    metadataCasRequired: false,
    metadataVersion: 0,
    customMetadata: null,
    versions: {},
  };
}

/** Reads and writes the records of one mount, in one transaction. */
export class KvStore {
  constructor(
    readonly storage: View,
    readonly cached?: Call["cached"],
    readonly keep?: Call["keep"],
  ) {}

  async config(): Promise<KvConfig> {
    return await this.#read(configKey, decodeConfig) ?? defaultConfig;
  }

  putConfig(config: KvConfig): void {
    this.storage.put(configKey, utf8(JSON.stringify(config)));
  }

  key(path: string): Awaitable<KeyRecord | undefined> {
    return this.#read(metadataPrefix + path, decodeKey);
  }

  putKey(path: string, record: KeyRecord): void {
    const key = metadataPrefix + path;
    const value = utf8(JSON.stringify(record));
    this.storage.put(key, value);
    this.keep?.(key, value, record);
  }

  deleteKey(path: string, record: KeyRecord): void {
    this.storage.delete(metadataPrefix + path);
    for (const version of Object.keys(record.versions)) this.deleteData(path, Number(version));
  }

  async data(path: string, version: number): Promise<JsonObject | null> {
    const bytes = await this.storage.get(dataKey(path, version));
    const value: JsonValue = bytes === undefined ? null : parseJson(storedText(bytes));
    return isJsonObject(value) ? value : null;
  }

  async hasData(path: string, version: number): Promise<boolean> {
    return await this.storage.get(dataKey(path, version)) !== undefined;
  }

  putData(path: string, version: number, data: JsonObject | null): void {
    this.storage.put(dataKey(path, version), utf8(JSON.stringify(data)));
  }

  deleteData(path: string, version: number): void {
    this.storage.delete(dataKey(path, version));
  }

  #read<T>(key: string, decode: (bytes: Bytes) => T): Awaitable<T | undefined> {
    return this.cached === undefined ? this.#load(key, decode) : this.cached(key, decode);
  }

  async #load<T>(key: string, decode: (bytes: Bytes) => T): Promise<T | undefined> {
    const bytes = await this.storage.get(key);
    return bytes === undefined ? undefined : decode(bytes);
  }
}

/** The version stands first: a path may hold anything, so nothing could mark its end. */
function dataKey(path: string, version: number): string {
  return `${v2Prefix}versions/${version}/${path}`;
}

function decodeConfig(bytes: Bytes): KvConfig {
  const config: KvConfig = JSON.parse(storedText(bytes));
  return config;
}

function decodeKey(bytes: Bytes): KeyRecord {
  const record: KeyRecord = JSON.parse(storedText(bytes));
  return record;
}

/** A version's metadata as the API shows it. */
export function versionBody(record: KeyRecord, version: number): JsonObject {
  const found = record.versions[version];
  const custom: JsonObject | null = record.customMetadata === null
    ? null
    : { ...record.customMetadata };
  return {
    created_time: rfc3339(found?.created ?? record.created),
    custom_metadata: custom,
    deletion_time: found === undefined || found.deleted === 0 ? "" : rfc3339(found.deleted),
    destroyed: found?.destroyed ?? false,
    version,
  };
}

/** A key's metadata as the API shows it. */
export function keyBody(record: KeyRecord): JsonObject {
  const versions: JsonObject = {};
  for (const [number, version] of Object.entries(record.versions)) {
    versions[number] = {
      created_time: rfc3339(version.created),
      deletion_time: version.deleted === 0 ? "" : rfc3339(version.deleted),
      destroyed: version.destroyed,
    };
  }
  const custom: JsonObject | null = record.customMetadata === null
    ? null
    : { ...record.customMetadata };
  return {
    cas_required: record.casRequired,
    created_time: rfc3339(record.created),
    current_metadata_version: record.metadataVersion,
    current_version: record.currentVersion,
    custom_metadata: custom,
    delete_version_after: formatDuration(record.deleteVersionAfter),
    max_versions: record.maxVersions,
    metadata_cas_required: record.metadataCasRequired,
    oldest_version: record.oldestVersion,
    updated_time: rfc3339(record.updated),
    versions,
  };
}

/** Whether a version can be read at a moment. */
export function isReadable(version: VersionRecord, now: number): boolean {
  return !version.destroyed && (version.deleted === 0 || version.deleted > now);
}
