/** `delete/`, `undelete/` and `destroy/`: versions by number. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Platform } from "../../core/backend.ts";
import { deletionTime } from "./add_version.ts";
import { isReadable, KvStore, type VersionRecord } from "./record.ts";

type Change = (version: VersionRecord, now: number, deletion: number) => VersionRecord;

const changes: Readonly<Record<string, { summary: string; change: Change }>> = {
  delete: {
    summary: "Deletes versions; they can be undeleted.",
    change: (version, now) => isReadable(version, now) ? { ...version, deleted: now } : version,
  },
  undelete: {
    summary: "Brings deleted versions back.",
    change: (version, _now, deletion) =>
      version.destroyed ? version : { ...version, deleted: deletion },
  },
  destroy: {
    summary: "Removes the data of versions for ever.",
    change: (version) => ({ ...version, destroyed: true }),
  },
};

export function versionPaths({ clock }: Pick<Platform, "clock">): Path[] {
  return Object.entries(changes).map(([name, { summary, change }]) =>
    path(`${name}/*path`, {
      summary,
      fields: { versions: field.ints("Numbers of the versions.") },
      operations: {
        update: {
          summary,
          handler: async (call, input) => {
            const keyPath = String(input.path);
            const numbers = input.versions ?? [];
            if (numbers.length === 0) throw badRequest("no version number provided");
            const store = new KvStore(call.storage, call.cached);
            const record = await store.key(keyPath);
            if (record === undefined) return;
            const now = clock.now();
            const deletion = deletionTime(record, await store.config(), now);
            const versions = { ...record.versions };
            for (const number of numbers) {
              const version = versions[number];
              if (version === undefined) continue;
              versions[number] = change(version, now, deletion);
              if (name === "destroy") store.deleteData(keyPath, number);
            }
            store.putKey(keyPath, { ...record, versions, updated: now });
          },
        },
      },
    })
  );
}
