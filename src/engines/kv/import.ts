/** A key of version 2 with the versions, numbers and times that it had elsewhere. */
import { badRequest } from "../../base/failure.ts";
import { checkTimes, field, type FieldValues, readFields } from "../../backend/field.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import type { View } from "../../storage/transaction.ts";
import { type KeyRecord, KvStore, type VersionRecord } from "./record.ts";

/** Times in milliseconds since the epoch, 0 for none; `delete_version_after` in seconds. */
export const keyItemFields = {
  name: field.string("Where the secret lies in its mount.", ""),
  current_version: field.int("Number of the newest version.", 0),
  oldest_version: field.int("Number of the oldest one that is kept.", 0),
  created: field.int("When it was made.", 0),
  updated: field.int("When it was changed last.", 0),
  max_versions: field.int("Versions to keep.", 0),
  cas_required: field.bool("Whether writes must name a version.", false),
  delete_version_after: field.int("How long a version lives.", 0),
  metadata_cas_required: field.bool("Whether changes of metadata must name one.", false),
  metadata_version: field.int("Counts changes of metadata.", 0),
  custom_metadata: field.any("Texts by name."),
  versions: field.map("By number: created, deleted, destroyed, data.", {}),
};

const versionFields = {
  created: field.int("When it was written.", 0),
  deleted: field.int("When it was or will be deleted.", 0),
  destroyed: field.bool("Whether its data are gone.", false),
};

/** Of one version of a key. */
export const versionItemFields = {
  name: field.string("Where the secret lies in its mount.", ""),
  version: field.int("Its number.", 0),
  data: field.any("Its document."),
};

function checkName(name: string): void {
  if (name === "" || name.endsWith("/")) throw badRequest("it has no name");
}

/**
 * Puts the data of a version that nobody sees until its key comes. False where a key is there
 * that has other data, or none, for it: nothing was changed then, unless that is wanted.
 */
export async function importVersion(
  storage: View,
  given: FieldValues<typeof versionItemFields>,
  overwrite: boolean,
): Promise<boolean> {
  checkName(given.name);
  if (given.version < 1) throw badRequest("a version's number is none");
  const store = new KvStore(storage);
  const data = documentOf(given.data);
  const isThere = await store.key(given.name) !== undefined;
  if (isThere && !overwrite) {
    const present = await store.data(given.name, given.version);
    return JSON.stringify(present) === JSON.stringify(data);
  }
  store.putData(given.name, given.version, data);
  return true;
}

/**
 * Puts the key in place of what is there. Throws a 400 for what can't be. Data of a version that
 * are not given must have come before; `isTried` leaves that out.
 */
export async function importKey(
  storage: View,
  given: FieldValues<typeof keyItemFields>,
  isTried = false,
): Promise<void> {
  checkName(given.name);
  const { created, updated } = given;
  checkTimes({ created, updated });
  const store = new KvStore(storage);
  const before = await store.key(given.name);
  const versions: Record<string, VersionRecord> = {};
  for (const [number, value] of Object.entries(given.versions)) {
    const { data, version } = readVersion(number, value);
    versions[number] = version;
    if (version.destroyed) store.deleteData(given.name, Number(number));
    else if (data !== undefined) store.putData(given.name, Number(number), documentOf(data));
    else if (!isTried && !await store.hasData(given.name, Number(number))) {
      throw badRequest(`the data of version ${number} are missing`);
    }
  }
  for (const number of Object.keys(before?.versions ?? {})) {
    if (versions[number] === undefined) store.deleteData(given.name, Number(number));
  }
  store.putKey(given.name, recordOf(given, versions));
}

function recordOf(
  given: FieldValues<typeof keyItemFields>,
  versions: KeyRecord["versions"],
): KeyRecord {
  return {
    currentVersion: given.current_version,
    oldestVersion: given.oldest_version,
    created: given.created,
    updated: given.updated,
    maxVersions: given.max_versions,
    casRequired: given.cas_required,
    deleteVersionAfter: given.delete_version_after,
    metadataCasRequired: given.metadata_cas_required,
    metadataVersion: given.metadata_version,
    customMetadata: customMetadata(given.custom_metadata),
    versions,
  };
}

function readVersion(number: string, value: JsonValue | undefined) {
  if (!/^[1-9]\d{0,14}$/.test(number)) throw badRequest("a version's number is none");
  if (!isJsonObject(value)) throw badRequest("a version must be an object");
  const version: VersionRecord = readFields(versionFields, value);
  const { created, deleted } = version;
  checkTimes({ created, deleted });
  return { version, data: value.data };
}

function documentOf(data: JsonValue | undefined): JsonObject | null {
  if (data === null || isJsonObject(data)) return data;
  throw badRequest("the data of a version must be an object");
}

function customMetadata(value: JsonValue | undefined): Readonly<Record<string, string>> | null {
  if (value === undefined || value === null) return null;
  return readFields({ custom_metadata: field.pairs("Texts by name.", {}) }, {
    custom_metadata: value,
  }).custom_metadata;
}
