/** How each kind of item gets in. Each writes to its draft alone. */
import type { Awaitable } from "../../base/awaitable.ts";
import { badRequest, Failure, notFound } from "../../base/failure.ts";
import { field, readFields } from "../../backend/field.ts";
import { importSecretId, secretIdItemFields } from "../../auth/approle/import.ts";
import type { Call } from "../../core/backend.ts";
import { routePath, storagePrefix } from "../../core/mount_entry.ts";
import type { Mounted } from "../../core/router.ts";
import type { Services } from "../../core/services.ts";
import {
  importKey,
  importVersion,
  keyItemFields,
  versionItemFields,
} from "../../engines/kv/import.ts";
import { putMovedKey } from "../../engines/transit/backup_paths.ts";
import type { Item, ItemKind } from "../../foreign/items.ts";
import { isJsonObject, type JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { immutablePolicyNames, normalizePolicyName } from "../../policy/builtin.ts";
import type { Transaction } from "../../storage/transaction.ts";
import { importMount, isSameMount } from "../mounts.ts";
import { putEntity, putGroup, putMembers } from "./identity.ts";
import { Occupied } from "./outcome.ts";

/** Where an item is put: a draft within the call's transaction. */
export interface Place {
  readonly services: Services;
  readonly call: Call;
  readonly transaction: Transaction;
  readonly dryRun: boolean;
  readonly overwrite: boolean;
}

/** May answer with a word about what is there already. */
type Put = (place: Place, item: Item) => Promise<string | void>;

const ways: Readonly<Record<ItemKind, Put>> = {
  mount: putMount,
  write: putWrite,
  policy: putPolicy,
  kv2_version: putVersion,
  kv2: putKey,
  transit_key: putTransitKey,
  secret_id: putSecretId,
  entity: putEntity,
  group: putGroup,
  members: putMembers,
};

/** Throws a `Failure` for what can't be, `Occupied` where something else is there. */
export function putItem(place: Place, item: Item): Promise<string | void> {
  return ways[item.kind](place, item);
}

async function putMount({ services, transaction }: Place, { path, data }: Item) {
  const present = services.mounts.router.at(path);
  if (present === undefined) return await importMount(services, transaction, path, data);
  if (!isSameMount(present.entry, data)) {
    throw new Occupied(`another mount is at ${path}, or one of another version`);
  }
  const { accessor } = present.entry;
  return accessor === data.accessor
    ? undefined
    : `it keeps its accessor ${accessor}: policies that name ${data.accessor} need a change`;
}

/** The call as the mount's own handler sees it, within the draft. */
function callAt({ services, call, transaction }: Place, mounted: Mounted, item: Item): Call {
  const prefix = storagePrefix(mounted.entry);
  const path = item.path.slice(routePath(mounted.entry).length);
  return {
    ...call,
    request: { ...call.request, operation: "update", path: item.path, data: item.data },
    path,
    mount: services.mounts.info(mounted.entry),
    storage: transaction.within(prefix),
    transaction,
    cached: (key, decode) => services.cache.read(transaction, prefix + key, decode),
  };
}

/**
 * The mount that an item belongs to. In a dry run its mount may not be there yet: then there is
 * nothing to compare with.
 */
function mountOf({ services }: Place, path: string): Mounted | undefined {
  const mounted = services.mounts.router.find(path)?.mounted;
  return mounted === undefined || mounted.entry.tainted ? undefined : mounted;
}

/** Marks an item that a dry run can't try. */
function markOnly({ transaction }: Place, item: Item): void {
  transaction.put(`dry-run/${item.kind}/${item.path}`, new Uint8Array(0));
}

/** In a dry run a quota may be for a mount that is not there yet, and is refused for that alone. */
async function orMark(
  place: Place,
  item: Item,
  handle: () => Awaitable<LogicalResponse | undefined>,
): Promise<LogicalResponse | undefined> {
  try {
    return await handle();
  } catch (error) {
    const isWaiting = place.dryRun && item.path.startsWith("sys/quotas/");
    if (!isWaiting || !(error instanceof Failure)) throw error;
    markOnly(place, item);
    return undefined;
  }
}

/** Of the mounts that every node has, the paths that can be brought over. */
const ownPaths: Readonly<Record<string, RegExp>> = {
  system: /^sys\/(policies\/password|quotas\/rate-limit)\//,
  token: /^auth\/token\/roles\//,
  identity: /^$/,
  cubbyhole: /^$/,
};

async function putWrite(place: Place, item: Item): Promise<void> {
  const mounted = mountOf(place, item.path);
  if (ownPaths[mounted?.entry.type ?? ""]?.test(item.path) === false) {
    throw badRequest(`nothing is brought to ${item.path}`);
  }
  if (mounted === undefined) {
    if (place.dryRun) return markOnly(place, item);
    throw badRequest(`nothing is mounted at ${item.path}`);
  }
  const answer = await orMark(
    place,
    item,
    () => mounted.backend.handle(callAt(place, mounted, item)),
  );
  if ((answer?.status ?? 200) >= 400) throw badRequest("the mount does not take it");
}

const policyFields = {
  policy: field.string("The policy's text.", ""),
  cas_required: field.bool("Whether changes must name a version.", false),
  allow_slashes_in_identity_templates: field.bool("Of templates.", false),
  allow_wildcards_in_identity_templates: field.bool("Of templates.", false),
};

async function putPolicy({ services, transaction }: Place, { path, data }: Item): Promise<void> {
  const name = normalizePolicyName(path);
  if (immutablePolicyNames.has(name)) throw badRequest("it is the server's own");
  const given = readFields(policyFields, data);
  const settings = {
    casRequired: given.cas_required,
    allowSlashes: given.allow_slashes_in_identity_templates,
    allowWildcards: given.allow_wildcards_in_identity_templates,
  };
  const before = await services.acls.get(transaction, name);
  const isSame = before !== undefined && before.text === given.policy &&
    before.casRequired === settings.casRequired && before.allowSlashes === settings.allowSlashes &&
    before.allowWildcards === settings.allowWildcards;
  if (isSame) return;
  const cas = before?.casRequired ? { cas: before.version } : {};
  await services.acls.put(transaction, name, given.policy, { ...settings, ...cas });
}

/** The storage of the mount that an item names, of a type. Undefined in a dry run without it. */
function mountedAt(place: Place, item: Item, type: string) {
  const path = typeof item.data.mount === "string" ? item.data.mount : "";
  const mounted = place.services.mounts.router.at(path);
  if (mounted === undefined || mounted.entry.tainted) {
    if (!place.dryRun) throw notFound(`nothing is mounted at ${path}`);
    markOnly(place, item);
    return undefined;
  }
  if (mounted.entry.type !== type) throw new Occupied(`${path} is of type ${mounted.entry.type}`);
  return mounted;
}

/** Of a mount of version 2. */
function versionedStorage(place: Place, item: Item) {
  const mounted = mountedAt(place, item, "kv");
  if (mounted === undefined) return undefined;
  if (mounted.entry.options.version !== "2") throw new Occupied("the mount is of version 1");
  return place.transaction.within(storagePrefix(mounted.entry));
}

async function putVersion(place: Place, item: Item): Promise<void> {
  const storage = versionedStorage(place, item);
  if (storage === undefined) return;
  const given = readFields(versionItemFields, item.data);
  if (!await importVersion(storage, given, place.overwrite)) {
    throw new Occupied(`version ${given.version} is another one here`);
  }
}

async function putKey(place: Place, item: Item): Promise<void> {
  const storage = versionedStorage(place, item);
  if (storage === undefined) return;
  await importKey(storage, readFields(keyItemFields, item.data), place.dryRun);
}

async function putTransitKey(place: Place, item: Item): Promise<void> {
  const mounted = mountedAt(place, item, "transit");
  if (mounted === undefined) return;
  const { backup } = item.data;
  if (!isJsonObject(backup)) throw badRequest("backup must be an object");
  const storage = place.transaction.within(storagePrefix(mounted.entry));
  await putMovedKey(place.services.mounts.platform, storage, backup);
}

async function putSecretId(place: Place, item: Item): Promise<void> {
  const mounted = mountedAt(place, item, "approle");
  if (mounted === undefined) return;
  const call = callAt(place, mounted, item);
  const given: JsonObject = item.data;
  await importSecretId(call, readFields(secretIdItemFields, given));
}
