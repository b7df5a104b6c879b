/** `metadata/` and `detailed-metadata/`: what is known of a key beside its data. */
import { badRequest, notFound } from "../../base/failure.ts";
import { pageOptions } from "../../backend/page.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, Platform } from "../../core/backend.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "../../logical/json.ts";
import { recoverMetadata } from "./recover.ts";
import { scanLimit } from "./v1.ts";
import { keyBody, type KeyRecord, KvStore, metadataPrefix, newKey } from "./record.ts";

const fields = {
  max_versions: field.int("Versions to keep; 0 for the mount's."),
  cas_required: field.bool("Whether writes must say which version they replace."),
  delete_version_after: field.duration("Deletes a version this long after it was written."),
  custom_metadata: field.any("Up to 64 names and values of your own."),
  metadata_cas_required: field.bool("Whether changes of metadata must say which they replace."),
  metadata_cas: field.int("The metadata version that must be the current one."),
  after: field.string("Lists only what comes after this name."),
  limit: field.int("Lists at most so many.", 0),
};

type Wanted = { [K in keyof typeof fields]: (typeof fields)[K]["default"] };

const customLimits = { entries: 64, keyBytes: 128, valueBytes: 512 };

/** Checks custom metadata: names and texts, few and short. */
function readCustom(value: JsonValue): Record<string, string> | null {
  if (value === null) return null;
  if (!isJsonObject(value)) throw badRequest("custom_metadata must be an object");
  const entries = Object.entries(value);
  if (entries.length > customLimits.entries) {
    throw badRequest(`custom_metadata holds more than ${customLimits.entries} entries`);
  }
  if (entries.length === 0) return null;
  return Object.fromEntries(entries.map(([name, item]) => [name, customValue(name, item)]));
}

function customValue(name: string, item: JsonValue | undefined): string {
  const length = (text: string) => new TextEncoder().encode(text).length;
  if (name === "" || length(name) > customLimits.keyBytes) {
    throw badRequest(`a custom_metadata name must have 1 to ${customLimits.keyBytes} bytes`);
  }
  const text = isRawNumber(item) ? item.rawJSON : String(item);
  if (item === null || item === undefined || isJsonObject(item) || Array.isArray(item)) {
    throw badRequest(`custom_metadata "${name}" must be a text`);
  }
  if (text === "" || length(text) > customLimits.valueBytes) {
    throw badRequest(`custom_metadata "${name}" must have 1 to ${customLimits.valueBytes} bytes`);
  }
  return text;
}

/** A null in a patch removes the name. */
function patchCustom(before: KeyRecord["customMetadata"], patch: JsonValue) {
  if (patch === null) return null;
  if (!isJsonObject(patch)) throw badRequest("custom_metadata must be an object");
  const merged: JsonObject = { ...before };
  for (const [name, item] of Object.entries(patch)) {
    if (item === null) delete merged[name];
    else if (typeof item !== "string") throw badRequest(`custom_metadata "${name}" must be a text`);
    else merged[name] = item;
  }
  return readCustom(merged);
}

function apply(
  before: KeyRecord,
  wanted: Wanted,
  now: number,
  custom: KeyRecord["customMetadata"],
) {
  if ((wanted.max_versions ?? 0) < 0) throw badRequest("max_versions cannot be negative");
  return {
    ...before,
    maxVersions: wanted.max_versions ?? before.maxVersions,
    casRequired: wanted.cas_required ?? before.casRequired,
    deleteVersionAfter: wanted.delete_version_after ?? before.deleteVersionAfter,
    metadataCasRequired: wanted.metadata_cas_required ?? before.metadataCasRequired,
    customMetadata: custom,
    metadataVersion: before.metadataVersion + 1,
    updated: now,
  };
}

async function checkMetadataCas(store: KvStore, before: KeyRecord, wanted: Wanted): Promise<void> {
  const config = await store.config();
  if (wanted.metadata_cas === undefined) {
    if (config.metadataCasRequired || before.metadataCasRequired) {
      throw badRequest("metadata check-and-set parameter required for this call");
    }
  } else if (wanted.metadata_cas !== before.metadataVersion) {
    throw badRequest("metadata check-and-set parameter did not match the current version");
  }
}

/** Only fields that are given count: an empty write changes nothing. */
function changesNothing(call: Call): boolean {
  return !Object.keys(call.request.data).some((name) => name in fields);
}

export function metadataPaths({ clock }: Pick<Platform, "clock">): Path[] {
  const open = (call: Call) => new KvStore(call.storage, call.cached);
  return [
    path("detailed-metadata/*path", {
      summary: "Lists keys with their metadata.",
      fields: { after: fields.after, limit: fields.limit },
      operations: {
        list: {
          summary: "Lists keys with their metadata.",
          handler: async (call, input) => {
            const folder = metadataPrefix + input.path;
            const keys = await call.storage.list(folder, pageOptions(input));
            const info: JsonObject = {};
            for (const key of keys) {
              if (key.endsWith("/")) info[key] = {};
              const record = await open(call).key(input.path + key);
              if (record !== undefined) info[key] = keyBody(record);
            }
            return { data: { keys, key_info: info } };
          },
        },
      },
    }),
    path("metadata/*path", {
      summary: "A key's metadata.",
      params: { path: "Where the secret lies" },
      fields,
      query: ["after", "limit"],
      exists: async (call, input) => await open(call).key(input.path) !== undefined,
      operations: {
        list: {
          summary: "Lists keys and folders.",
          handler: async (call, input) => ({
            data: {
              keys: await call.storage.list(metadataPrefix + input.path, pageOptions(input)),
            },
          }),
        },
        scan: {
          summary: "Lists keys at all depths.",
          handler: async (call, input) => {
            const folder = metadataPrefix + input.path;
            const found = await call.storage.scan(folder, { limit: scanLimit });
            return { data: { keys: found.map(({ key }) => key.slice(folder.length)) } };
          },
        },
        read: {
          summary: "Reads a key's metadata.",
          handler: async (call, input) => {
            const record = await open(call).key(input.path);
            if (record === undefined) throw notFound();
            return { data: keyBody(record) };
          },
        },
        update: {
          summary: "Writes a key's metadata.",
          handler: async (call, input) => {
            if (input.path === "") throw badRequest("missing path");
            const now = clock.now();
            const store = open(call);
            const existing = await store.key(input.path);
            const before = existing ?? newKey(now);
            const custom = input.custom_metadata === undefined
              ? before.customMetadata
              : readCustom(input.custom_metadata);
            await checkMetadataCas(store, before, input);
            const after = apply(before, input, now, custom);
            if (existing === undefined || !changesNothing(call)) store.putKey(input.path, after);
          },
        },
        recover: {
          summary: "Brings a key's settings back from a loaded snapshot.",
          handler: (call, input) => recoverMetadata(call, input.path, clock.now()),
        },
        patch: {
          summary: "Merges into a key's metadata.",
          handler: async (call, input) => {
            const store = open(call);
            const before = await store.key(input.path);
            if (before === undefined) {
              return { raw: { status: 404, contentType: "", body: null } };
            }
            const custom = input.custom_metadata === undefined
              ? before.customMetadata
              : patchCustom(before.customMetadata, input.custom_metadata);
            await checkMetadataCas(store, before, input);
            const { max_versions, delete_version_after } = call.request.data;
            store.putKey(
              input.path,
              apply(
                before,
                {
                  ...input,
                  max_versions: max_versions === null ? 0 : input.max_versions,
                  // As the peer: a null leaves this one as it is.
                  delete_version_after: delete_version_after === null
                    ? undefined
                    : input.delete_version_after,
                },
                clock.now(),
                custom,
              ),
            );
            return undefined;
          },
        },
        delete: {
          summary: "Removes a key with all its versions, for ever.",
          handler: async (call, input) => {
            const record = await open(call).key(input.path);
            if (record !== undefined) open(call).deleteKey(input.path, record);
          },
        },
      },
    }),
  ];
}
