/** `sys/`: the server's own paths, for those with a token. */
import { defineBackend } from "../backend/backend.ts";
import type { LogicalBackend } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import type { Services } from "../core/services.ts";
import { policyPaths } from "./policies.ts";

export function systemBackend(services: () => Services, _node: () => Node): LogicalBackend {
  return defineBackend({
    type: "system",
    help: "Controls the server: mounts, policies, leases, audit and more.",
    paths: [...policyPaths(services)],
  });
}
