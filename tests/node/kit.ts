/** A node with everything that is in the binary, for tests of what requests do. */
import { NodeKit } from "../../src/core/testing/kit.ts";
import { backendFactory } from "../../src/server/backends.ts";
import type { DeviceOpener } from "../../src/audit/device.ts";

/** A started node. */
export async function startNode(
  options: { readonly auditDevices?: Readonly<Record<string, DeviceOpener>> } = {},
): Promise<NodeKit> {
  const kit = new NodeKit({
    ...options,
    backends: (services, node) => backendFactory(node)(services),
  });
  return await kit.start();
}
