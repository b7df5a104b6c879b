/** All that can be brought over, in an order in which each thing finds what it hangs on. */
import { databaseItems } from "./database.ts";
import { identityItems } from "./identity.ts";
import type { Item } from "./items.ts";
import { kvItems } from "./kv.ts";
import { loginReaders, tokenRoleItems } from "./logins.ts";
import { type ForeignMount, mountItem, ownTypes, readMounts } from "./mount_table.ts";
import type { Opened } from "./opened.ts";
import { passwordPolicyItems, policyItems } from "./policies.ts";
import { quotaItems } from "./quotas.ts";
import { transitItems } from "./transit.ts";

/**
 * Mounts come first; then `isTaken` is asked of the path of each, whether its content is wanted.
 * When all has come, `opened.account` tells what was left.
 */
export async function* bring(
  opened: Opened,
  isTaken: (path: string) => boolean,
): AsyncGenerator<Item> {
  const mounts = await readMounts(opened);
  const own = mounts.filter(({ type }) => ownTypes.has(type));
  const others = mounts.filter(({ type }) => !ownTypes.has(type));
  for (const mount of others) yield mountItem(mount);
  const taken = others.filter(({ path }) => isTaken(path));
  yield* policyItems(opened);
  yield* passwordPolicyItems(opened);
  yield* tokenRoleItems(opened);
  for (const mount of taken) yield* contentOf(opened, mount);
  for (const { prefix, path } of others) {
    if (!isTaken(path)) opened.leaveBelow(prefix, `entries of ${path}`, "its mount was left");
  }
  const paths = new Map([...own, ...taken].map(({ accessor, path }) => [accessor, path]));
  for (const mount of own) {
    if (mount.type === "identity") yield* identityItems(opened, mount, paths);
    else if (mount.type === "cubbyhole") leaveCubbyholes(opened, mount);
  }
  yield* quotaItems(opened);
  await leaveAudit(opened);
  opened.account.close(opened.source.keys);
}

async function* contentOf(opened: Opened, mount: ForeignMount): AsyncGenerator<Item> {
  const { table, type, prefix, path } = mount;
  if (table === "mounts" && (type === "kv" || type === "generic")) yield* kvItems(opened, mount);
  if (table === "mounts" && type === "database") yield* databaseItems(opened, mount);
  if (table === "mounts" && type === "transit") yield* transitItems(opened, mount);
  const reader = Object.hasOwn(loginReaders, type) ? loginReaders[type] : undefined;
  if (table === "auth" && reader !== undefined) yield* reader(opened, mount);
  leaveRest(opened, prefix, path);
}

/** What no reader took of a mount. */
function leaveRest(opened: Opened, prefix: string, path: string): void {
  const { account } = opened;
  const rest = opened.below(prefix).filter((key) => !account.isTaken(key));
  for (const key of rest) account.take(key);
  account.leave(`entries of ${path}`, "their form is not known here: set it up anew", rest.length);
}

function leaveCubbyholes(opened: Opened, { prefix }: ForeignMount): void {
  opened.leaveBelow(prefix, "entries of cubbyholes", "they end with their tokens");
}

async function leaveAudit(opened: Opened): Promise<void> {
  for (const table of ["core/audit", "core/local-audit"]) {
    const whole = await opened.object(table);
    const listed = Array.isArray(whole?.entries) ? whole.entries.length : 0;
    for (const key of opened.below(`${table}/`)) opened.account.take(key);
    const count = listed + opened.below(`${table}/`).length;
    opened.account.leave("audit devices", "enable them anew: they are of one machine", count);
  }
}
