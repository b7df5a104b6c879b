/**
 * `sys/raw`: storage entries as they are, for surgery. Only where the configuration says so
 * (`raw_storage_endpoint`) or in recovery mode.
 */
import { notFound } from "../../base/failure.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Node } from "../../core/node.ts";
import { rawFields, RawOperations } from "./operations.ts";

/** Where the configuration does not allow it, the paths are as if they were not there. */
export function rawPaths(node: () => Node): Path[] {
  const operations = new RawOperations(node);
  const raw = (): RawOperations => {
    if (!node().rawStorageEndpoint) throw notFound();
    return operations;
  };
  return [
    path("raw/*path", {
      summary: "A storage entry, as it is.",
      sudo: true,
      fields: rawFields,
      query: ["encoding", "compressed", "decoded"],
      operations: {
        read: {
          summary: "Reads an entry.",
          handler: (call, input) => raw().read(call.transaction, input.path, input),
        },
        update: {
          summary: "Writes an entry.",
          handler: (call, input) => raw().write(call.transaction, input.path, input),
        },
        delete: {
          summary: "Deletes an entry.",
          handler: (call, input) => raw().delete(call.transaction, input.path),
        },
        list: {
          summary: "Lists entries.",
          handler: (call, input) => raw().list(call.transaction, input.path),
        },
      },
    }),
    path("raw-undo", {
      summary: "What sys/raw has changed.",
      sudo: true,
      fields: { force: rawFields.force },
      operations: {
        read: {
          summary: "Lists the changes, the newest first.",
          handler: (call) => raw().changes(call.transaction),
        },
        update: {
          summary: "Takes the newest change back.",
          handler: (call, input) => raw().undo(call.transaction, input.force),
        },
        delete: {
          summary: "Forgets them, with the values that they replaced.",
          handler: (call) => raw().forget(call.transaction),
        },
      },
    }),
    path("raw-check", {
      summary: "Whether all that is stored can be read.",
      sudo: true,
      operations: {
        read: {
          summary: "Looks at every entry.",
          handler: (call) => raw().check(call.transaction),
        },
      },
    }),
  ];
}
