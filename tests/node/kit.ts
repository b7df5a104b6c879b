/** A node with everything that is in the binary, for tests of what requests do. */
import { type KitOptions, NodeKit } from "../../src/core/testing/kit.ts";
import { backendFactory } from "../../src/server/backends.ts";

/** A started node. */
export async function startNode(
  options: Pick<KitOptions, "auditDevices" | "auditRules" | "physical"> = {},
): Promise<NodeKit> {
  const kit = new NodeKit({
    ...options,
    backends: (services, node) => backendFactory(node)(services),
  });
  return await kit.start();
}
