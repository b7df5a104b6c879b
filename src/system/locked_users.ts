/** `sys/locked-users`: names that too many failed logins have locked. */
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Services } from "../core/services.ts";
import { rootNamespace } from "../logical/namespace.ts";

export function lockedUserPaths(services: () => Services): Path[] {
  return [
    path("locked-users", {
      summary: "Lists the locked names.",
      fields: { mount_accessor: field.string("Only those of this auth mount.") },
      query: ["mount_accessor"],
      operations: {
        read: {
          summary: "Lists the locked names, by mount.",
          handler: async (call, { mount_accessor }) => {
            const all = await services().lockouts.list(call.transaction);
            const wanted = mount_accessor === undefined || mount_accessor === ""
              ? [...all]
              : [[mount_accessor, all.get(mount_accessor)] as const];
            const mounts = wanted.map(([accessor, names]) => ({
              mount_accessor: accessor,
              counts: names?.length ?? 0,
              alias_identifiers: names ?? null,
            }));
            const total = mounts.reduce((sum, { counts }) => sum + counts, 0);
            const ofNamespace = {
              namespace_id: rootNamespace.id,
              namespace_path: rootNamespace.path,
              counts: total,
              mount_accessors: mounts,
            };
            return { data: { by_namespace: [ofNamespace], total } };
          },
        },
      },
    }),
    path("locked-users/:mount_accessor!/unlock/+alias_identifier", {
      summary: "Unlocks a name.",
      params: {
        mount_accessor: "Accessor of the auth mount",
        alias_identifier: "The name that failed to log in",
      },
      operations: {
        update: {
          summary: "Unlocks a name.",
          handler: ({ transaction }, { mount_accessor, alias_identifier }) =>
            services().lockouts.unlock(transaction, {
              accessor: mount_accessor,
              name: alias_identifier,
            }),
        },
      },
    }),
  ];
}
