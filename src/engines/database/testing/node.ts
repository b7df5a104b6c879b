/** A node with all backends, for tests with databases. */
import { NodeKit } from "../../../core/testing/kit.ts";
import { backendFactory } from "../../../server/backends.ts";
import type { Storage } from "../../../storage/storage.ts";
import { databaseBackend } from "../backend.ts";
import type { DatabasePlugin } from "../plugin.ts";

export interface DatabaseNodeOptions {
  /** A new one in memory where absent. */
  readonly physical?: Storage;
  /** In the place of those that the program has. */
  readonly plugins?: readonly DatabasePlugin[];
}

export async function databaseNode(
  { physical, plugins }: DatabaseNodeOptions = {},
): Promise<NodeKit> {
  const kit = new NodeKit({
    ...(physical === undefined ? {} : { physical }),
    backends: (services, node) => {
      const all = backendFactory(node)(services);
      if (plugins === undefined) return all;
      return (table, type) =>
        type === "database" ? databaseBackend(services, plugins) : all(table, type);
    },
  });
  return await kit.start();
}
