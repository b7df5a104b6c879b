/** `data/`: reading, writing, patching and deleting the newest version. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field, readField } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, Platform } from "../../core/backend.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import { mergePatch } from "../../logical/merge_patch.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { addVersion } from "./add_version.ts";
import { isReadable, type KeyRecord, KvStore, newKey, versionBody } from "./record.ts";
import { recoverData } from "./recover.ts";

const cas = field.int("The version that must be the current one; 0 for a key that is not there.");

/** The checked `options.cas`. */
function readCas(options: JsonObject | undefined): number | undefined {
  if (options === undefined || options.cas === undefined || options.cas === null) return undefined;
  return readField("cas", cas, options.cas);
}

function checkCas(required: boolean, wanted: number | undefined, current: number): void {
  if (wanted === undefined) {
    if (required) throw badRequest("check-and-set parameter required for this call");
  } else if (wanted !== current) {
    throw badRequest("check-and-set parameter did not match the current version");
  }
}

/** The document of a write: an object, or null, which is kept as such. */
function readDocument(value: JsonValue | undefined): JsonObject | null {
  if (value === undefined) throw badRequest("no data provided");
  if (value === null || isJsonObject(value)) return value;
  throw badRequest("the data field must be an object");
}

async function read(store: KvStore, keyPath: string, wanted: number, now: number) {
  const record = await store.key(keyPath);
  if (record === undefined) throw notFound();
  const version = wanted === 0 ? record.currentVersion : wanted;
  const found = record.versions[version];
  if (found === undefined) throw notFound();
  const metadata = versionBody(record, version);
  if (!isReadable(found, now)) return { status: 404, data: { data: null, metadata } };
  return { data: { data: await store.data(keyPath, version), metadata } };
}

/** The newest version's data for a patch, or the answer that there is nothing to patch. */
async function patchBase(
  store: KvStore,
  keyPath: string,
  record: KeyRecord | undefined,
  now: number,
): Promise<{ data: JsonObject } | { answer: LogicalResponse }> {
  const current = record?.versions[record.currentVersion];
  if (record === undefined || current === undefined) {
    return { answer: { raw: { status: 404, contentType: "", body: null } } };
  }
  if (!isReadable(current, now)) {
    return { answer: { status: 404, data: versionBody(record, record.currentVersion) } };
  }
  return { data: await store.data(keyPath, record.currentVersion) ?? {} };
}

const fields = {
  version: field.int("The version to read; 0 for the newest.", 0),
  options: field.map("cas: the version that must be the current one."),
  data: field.any("The secret's data, an object."),
};

export function dataPath(platform: Pick<Platform, "clock">): Path {
  const { clock } = platform;
  const open = (call: Call) => new KvStore(call.storage, call.cached, call.keep);
  return path("data/*path", {
    summary: "A secret's data.",
    params: { path: "Where the secret lies" },
    fields,
    query: ["version"],
    exists: async (call, input) => await open(call).key(input.path) !== undefined,
    operations: {
      read: {
        summary: "Reads a version.",
        handler: (call, input) => read(open(call), input.path, input.version, clock.now()),
      },
      update: {
        summary: "Writes a new version.",
        handler: async (call, input) => {
          if (input.path === "") throw badRequest("missing path");
          const store = open(call);
          const data = readDocument(input.data);
          const config = await store.config();
          const now = clock.now();
          const before = await store.key(input.path) ?? newKey(now);
          const required = config.casRequired || before.casRequired;
          checkCas(required, readCas(input.options), before.currentVersion);
          const record = addVersion(store, input.path, before, config, data, now);
          return { data: versionBody(record, record.currentVersion) };
        },
      },
      patch: {
        summary: "Merges into the newest version, as a new one.",
        handler: async (call, input) => {
          if (input.path === "") throw badRequest("missing path");
          const store = open(call);
          const patch = readDocument(input.data);
          const now = clock.now();
          const before = await store.key(input.path);
          const base = await patchBase(store, input.path, before, now);
          if ("answer" in base || before === undefined) {
            return "answer" in base ? base.answer : undefined;
          }
          const config = await store.config();
          const required = config.casRequired || before.casRequired;
          checkCas(required, readCas(input.options), before.currentVersion);
          const merged = patch === null ? null : mergePatch(base.data, patch);
          const record = addVersion(store, input.path, before, config, merged, now);
          return { data: versionBody(record, record.currentVersion) };
        },
      },
      recover: {
        summary: "Brings a version back from a loaded snapshot, as a new one.",
        handler: (call, input) => recoverData(call, input.path, input.version, clock.now()),
      },
      delete: {
        summary: "Deletes the newest version; it can be undeleted.",
        handler: async (call, input) => {
          const store = open(call);
          const record = await store.key(input.path);
          if (record === undefined) return;
          const now = clock.now();
          const current = record.versions[record.currentVersion];
          if (current === undefined || !isReadable(current, now)) return;
          const versions = {
            ...record.versions,
            [record.currentVersion]: { ...current, deleted: now },
          };
          store.putKey(input.path, { ...record, versions, updated: now });
        },
      },
    },
  });
}
