/** `config` of a mount, and `subkeys/`. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import { formatDuration } from "../../config/units.ts";
import type { Platform } from "../../core/backend.ts";
import { isJsonObject, type JsonObject } from "../../logical/json.ts";
import { isReadable, KvStore, versionBody } from "./record.ts";

export function configPath(): Path {
  return path("config", {
    summary: "What holds for all keys of the mount.",
    fields: {
      max_versions: field.int("Versions to keep of each key; 0 for ten."),
      cas_required: field.bool("Whether writes must say which version they replace."),
      delete_version_after: field.duration("Deletes a version this long after it was written."),
      metadata_cas_required: field.bool("Whether changes of metadata must say which they replace."),
    },
    operations: {
      read: {
        summary: "Reads the configuration.",
        handler: async (call) => {
          const config = await new KvStore(call.storage, call.cached).config();
          return {
            data: {
              cas_required: config.casRequired,
              delete_version_after: formatDuration(config.deleteVersionAfter),
              max_versions: config.maxVersions,
              metadata_cas_required: config.metadataCasRequired,
            },
          };
        },
      },
      update: {
        summary: "Changes the configuration.",
        handler: async (call, input) => {
          if ((input.max_versions ?? 0) < 0) throw badRequest("max_versions cannot be negative");
          const store = new KvStore(call.storage, call.cached);
          const before = await store.config();
          store.putConfig({
            maxVersions: input.max_versions ?? before.maxVersions,
            casRequired: input.cas_required ?? before.casRequired,
            deleteVersionAfter: input.delete_version_after ?? before.deleteVersionAfter,
            metadataCasRequired: input.metadata_cas_required ?? before.metadataCasRequired,
          });
        },
      },
    },
  });
}

/** The names of a document without its values; `depth` 0 goes all the way down. */
function namesOnly(data: JsonObject, depth: number): JsonObject {
  const names: JsonObject = {};
  for (const [name, value] of Object.entries(data)) {
    const deeper = isJsonObject(value) && depth !== 1 && Object.keys(value).length > 0;
    names[name] = deeper ? namesOnly(value, depth === 0 ? 0 : depth - 1) : null;
  }
  return names;
}

export function subkeysPath({ clock }: Pick<Platform, "clock">): Path {
  return path("subkeys/*path", {
    summary: "The names in a secret, without their values.",
    fields: {
      version: field.int("The version to read; 0 for the newest.", 0),
      depth: field.int("How deep to go; 0 for all the way.", 0),
    },
    query: ["version", "depth"],
    operations: {
      read: {
        summary: "Reads the names in a secret.",
        handler: async (call, input) => {
          const store = new KvStore(call.storage, call.cached);
          const record = await store.key(input.path);
          if (record === undefined) throw notFound();
          const version = input.version === 0 ? record.currentVersion : input.version;
          const found = record.versions[version];
          if (found === undefined) throw notFound();
          const metadata = versionBody(record, version);
          if (!isReadable(found, clock.now())) {
            return { status: 404, data: { metadata, subkeys: null } };
          }
          const data = await store.data(input.path, version) ?? {};
          const depth = input.depth < 0 ? 1 : input.depth;
          return { data: { metadata, subkeys: namesOnly(data, depth) } };
        },
      },
    },
  });
}
