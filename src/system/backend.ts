/** `sys/`: the server's own paths, for those with a token. */
import { defineBackend } from "../backend/backend.ts";
import { pathsBelow, standbyReads } from "../backend/path.ts";
import { toolPaths } from "../backend/tools.ts";
import type { LogicalBackend } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import type { Services } from "../core/services.ts";
import { activityPaths } from "./activity.ts";
import { activityExportPath } from "./activity_export.ts";
import { auditPaths } from "./audit.ts";
import { capabilityPaths } from "./capabilities.ts";
import { configPaths } from "./config.ts";
import { specPaths } from "./specs.ts";
import { explainPaths } from "./explain.ts";
import { counterPaths } from "./counters.ts";
import { importPaths } from "./import/paths.ts";
import { internalUiPaths } from "./internal_ui.ts";
import { keyPaths } from "./keys.ts";
import { leasePaths } from "./leases.ts";
import { lockedUserPaths } from "./locked_users.ts";
import { mountPaths } from "./mounts.ts";
import { quotaPaths } from "./quotas.ts";
import { passwordPolicyPaths } from "./password_policies.ts";
import { policyPaths } from "./policies.ts";
import { autopilotPaths } from "./autopilot.ts";
import { raftPaths } from "./raft.ts";
import { AutoSnapshots } from "./snapshots/auto.ts";
import { autoSnapshotPaths } from "./snapshots/auto_paths.ts";
import { loadedSnapshotPaths } from "./snapshots/load_paths.ts";
import { raftSnapshotPaths } from "./snapshots/paths.ts";
import { rawPaths } from "./raw/paths.ts";
import { remountPaths } from "./remount.ts";
import { pprofPaths } from "./pprof.ts";
import { telemetryPaths } from "./telemetry.ts";
import { wrappingPaths } from "./wrapping.ts";

export function systemBackend(services: () => Services, node: () => Node): LogicalBackend {
  const snapshots = new AutoSnapshots(services, node);
  return defineBackend({
    type: "system",
    start: () => snapshots.start(),
    close: () => snapshots.stop(),
    help: "Controls the server: mounts, policies, leases, audit and more.",
    paths: [
      ...standbyReads(mountPaths(services)),
      ...lockedUserPaths(services),
      ...remountPaths(services),
      ...explainPaths(services),
      ...standbyReads(passwordPolicyPaths(services)),
      ...standbyReads(policyPaths(services)),
      ...capabilityPaths(services),
      ...wrappingPaths(services),
      ...standbyReads(telemetryPaths(services)),
      ...pathsBelow("tools", toolPaths(services)),
      ...leasePaths(services),
      ...rawPaths(node),
      ...raftPaths(node),
      ...autopilotPaths(node),
      ...raftSnapshotPaths(node),
      ...autoSnapshotPaths(node, snapshots),
      ...loadedSnapshotPaths(services, node, snapshots),
      ...importPaths(services),
      ...standbyReads(quotaPaths(services)),
      ...standbyReads(auditPaths(services)),
      ...standbyReads(configPaths(services, node)),
      ...standbyReads(specPaths(services, node)),
      ...keyPaths(node),
      ...standbyReads(internalUiPaths(services)),
      ...standbyReads(counterPaths()),
      ...activityPaths(services),
      activityExportPath(services),
      // Each node takes its own.
      ...standbyReads(pprofPaths(services)),
    ],
  });
}
