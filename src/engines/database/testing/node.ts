/** A node with all backends, for tests with databases. */
import { NodeKit } from "../../../core/testing/kit.ts";
import { backendFactory } from "../../../server/backends.ts";
import type { Storage } from "../../../storage/storage.ts";

export async function databaseNode(physical?: Storage): Promise<NodeKit> {
  const kit = new NodeKit({
    ...(physical === undefined ? {} : { physical }),
    backends: (services, node) => backendFactory(node)(services),
  });
  return await kit.start();
}
