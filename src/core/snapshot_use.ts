/**
 * Requests that name a loaded snapshot: what they are answered from, and what they need. A path means
 * what was mounted there when the snapshot was made; policies are those of today.
 */
import { badRequest, Failure, permissionDenied } from "../base/failure.ts";
import type { Operation, Request } from "../logical/request.ts";
import type { Acl, Decision } from "../policy/acl.ts";
import { Transaction } from "../storage/transaction.ts";
import type { Call, RecoverySource } from "./backend.ts";
import type { OpenedSnapshot } from "./loaded_snapshots.ts";
import { routePath, storagePrefix } from "./mount_entry.ts";
import type { Route } from "./router.ts";
import type { Services } from "./services.ts";

const reads: ReadonlySet<Operation> = new Set(["read", "list", "scan"] as const);

/** Whether a request is answered from a snapshot alone. */
export function readsSnapshot(request: Request): boolean {
  return request.snapshot !== undefined && reads.has(request.operation);
}

/** Where a request goes: for what is read from a snapshot, to what was mounted then. */
export function findRoute({ mounts, snapshots }: Services, request: Request): Route | undefined {
  if (request.snapshot === undefined || !readsSnapshot(request)) {
    return mounts.router.find(request.path);
  }
  const opened = snapshots.find(request.snapshot.id)?.opened;
  return opened === undefined ? undefined : readable(opened, request.path);
}

/**
 * What a request needs beside its own capability: to recover from another path takes `read` there;
 * where another mount is at the path today than was then, `sudo`, since its policies were written for
 * other secrets. Throws a 403, a 404, or a 400 where there is no such snapshot.
 */
export function authorizeSnapshotUse(
  services: Services,
  request: Request,
  acl: Acl,
  decision: Decision,
): void {
  const use = request.snapshot;
  if (use === undefined) return;
  let { sudo } = decision;
  const path = use.sourcePath ?? request.path;
  if (path !== request.path) {
    const source = acl.check({ path, operation: "read" });
    if (!source.allowed) throw permissionDenied();
    sudo = source.sudo;
  }
  const { mounted } = routeIn(services.snapshots.opened(use.id), path);
  const today = services.mounts.router.at(routePath(mounted.entry));
  if (today?.entry.uuid !== mounted.entry.uuid && !sudo) {
    throw permissionDenied(
      `another mount was at ${
        routePath(mounted.entry)
      } when the snapshot was made: this takes sudo`,
    );
  }
}

/** Where a path leads in a snapshot, if it can be looked at there. */
function readable({ router }: OpenedSnapshot, path: string): Route | undefined {
  const route = router.find(path);
  const reads = route?.mounted.backend.readsFromSnapshot;
  return route !== undefined && reads?.(route.path) === true ? route : undefined;
}

function routeIn(opened: OpenedSnapshot, path: string): Route {
  const route = readable(opened, path);
  if (route === undefined) {
    throw new Failure(404, `nothing that can be read from a snapshot was mounted at "${path}"`);
  }
  return route;
}

/** The parts of a call that make it look into a snapshot. */
export function snapshotParts(
  services: Services,
  request: Request,
  route: Route,
): Pick<Call, "storage" | "cached"> {
  if (request.snapshot === undefined) throw badRequest("the request names no snapshot");
  const { storage } = services.snapshots.opened(request.snapshot.id);
  const view = new Transaction(storage, 0).within(storagePrefix(route.mounted.entry));
  return {
    storage: view,
    // What is kept in memory is of the live storage.
    async cached(key, decode) {
      const bytes = await view.get(key);
      return bytes === undefined ? undefined : decode(bytes);
    },
  };
}

/** What the operation "recover" is to bring back. Throws a 400 for a request that does not say. */
export function recoverySource(services: Services, request: Request): RecoverySource {
  const use = request.snapshot;
  if (use === undefined) throw badRequest("recovering takes the id of a loaded snapshot");
  const opened = services.snapshots.opened(use.id);
  const route = routeIn(opened, use.sourcePath ?? request.path);
  return {
    path: route.path,
    type: route.mounted.entry.type,
    mount: services.mounts.info(route.mounted.entry),
    storage: snapshotParts(services, request, route).storage,
  };
}
