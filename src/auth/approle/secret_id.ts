/**
 * Secret IDs: kept under a keyed hash, found again by role, by accessor and by the time they end.
 * A use is counted in the transaction of the login, so a limit holds whatever comes at once.
 */
import { createHmac } from "node:crypto";
import { type Awaitable, chain } from "../../base/awaitable.ts";
import { timeKey } from "../../base/time_key.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { JsonObject } from "../../logical/json.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { View } from "../../storage/transaction.ts";
import type { Role } from "./role.ts";

/** Times are milliseconds since the epoch. */
export interface SecretId {
  readonly accessor: string;
  /** Uses left; 0 for no limit. */
  readonly numUses: number;
  /** Seconds; 0 for ever. */
  readonly ttl: number;
  readonly creationTime: number;
  /** 0 where it does not end. */
  readonly expirationTime: number;
  readonly lastUpdatedTime: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cidrList: readonly string[];
  readonly tokenBoundCidrs: readonly string[];
}

/** Where a secret ID lies: its role and its hash. */
export interface SecretIdPlace {
  readonly role: string;
  readonly hash: string;
}

const prefix = "secret_id/";
const accessors = "accessor/";
const ends = "secret_id_ends/";
const page = 500;

/** The name under which a secret ID is kept. */
export function hashSecretId({ tokens }: Services, { mount }: Call, secretId: string): string {
  return tokens.hash(`approle/${mount.uuid}/${secretId}`);
}

/** By role: the key of the hashes of secret IDs that were made elsewhere. */
export const foreignKeys = "foreign_key/";

/** The name of a secret ID that was made elsewhere: its HMAC-SHA256 in hexadecimal. */
export function foreignName(hmac: string): string {
  return `hmac-${hmac}`;
}

/** Where a secret ID of a role is, or would be. */
export function placeOfSecretId(
  services: Services,
  call: Call,
  role: Role,
  secretId: string,
): Awaitable<SecretIdPlace> {
  const own = { role: role.name, hash: hashSecretId(services, call, secretId) };
  return chain(
    call.cached(foreignKeys + role.name, fromUtf8),
    (foreignKey) =>
      foreignKey === undefined ? own : ownOrForeign(call, own, { foreignKey, secretId }),
  );
}

async function ownOrForeign(
  call: Call,
  own: SecretIdPlace,
  { foreignKey, secretId }: { readonly foreignKey: string; readonly secretId: string },
): Promise<SecretIdPlace> {
  if (await readSecretId(call, own) !== undefined) return own;
  const hmac = createHmac("sha256", foreignKey).update(secretId).digest("hex");
  const foreign = { role: own.role, hash: foreignName(hmac) };
  return await readSecretId(call, foreign) === undefined ? own : foreign;
}

export function readSecretId(
  call: Call,
  { role, hash }: SecretIdPlace,
): Awaitable<SecretId | undefined> {
  return call.cached(`${prefix}${role}/${hash}`, decodeSecretId);
}

/** The one with an accessor, of this role. */
export async function placeOfAccessor(
  storage: View,
  role: string,
  accessor: string,
): Promise<SecretIdPlace | undefined> {
  if (accessor === "") return undefined;
  const bytes = await storage.get(accessors + encodeURIComponent(accessor));
  if (bytes === undefined) return undefined;
  const place: SecretIdPlace = JSON.parse(fromUtf8(bytes));
  return place.role === role ? place : undefined;
}

/** Keeps a new one. Throws a 400 where the role has this secret ID already. */
export async function addSecretId(
  storage: View,
  place: SecretIdPlace,
  entry: SecretId,
): Promise<void> {
  const key = `${prefix}${place.role}/${place.hash}`;
  if (await storage.get(key) !== undefined) throw badRequest("secret_id is already registered");
  storage.put(key, utf8(JSON.stringify(entry)));
  storage.put(accessors + entry.accessor, utf8(JSON.stringify(place)));
  if (entry.expirationTime > 0) storage.put(endKey(place, entry), new Uint8Array(0));
}

export function removeSecretId(storage: View, place: SecretIdPlace, entry: SecretId): void {
  storage.delete(`${prefix}${place.role}/${place.hash}`);
  storage.delete(accessors + entry.accessor);
  if (entry.expirationTime > 0) storage.delete(endKey(place, entry));
}

/** Takes one use; the last one takes the secret ID. */
export function useSecretId(
  storage: View,
  place: SecretIdPlace,
  entry: SecretId,
  now: number,
): void {
  if (entry.numUses === 0) return;
  if (entry.numUses === 1) return removeSecretId(storage, place, entry);
  const after = { ...entry, numUses: entry.numUses - 1, lastUpdatedTime: now };
  storage.put(`${prefix}${place.role}/${place.hash}`, utf8(JSON.stringify(after)));
}

export function hasEnded(entry: SecretId, now: number): boolean {
  return entry.expirationTime > 0 && entry.expirationTime <= now;
}

/** Accessors of a role's secret IDs. */
export async function accessorsOf(storage: View, role: string): Promise<string[]> {
  const found: string[] = [];
  await eachOf(storage, role, (_place, entry) => void found.push(entry.accessor));
  return found;
}

export async function removeAllOf(storage: View, role: string): Promise<void> {
  storage.delete(foreignKeys + role);
  await eachOf(storage, role, (place, entry) => removeSecretId(storage, place, entry));
}

async function eachOf(
  storage: View,
  role: string,
  visit: (place: SecretIdPlace, entry: SecretId) => void,
): Promise<void> {
  const folder = `${prefix}${role}/`;
  let after: string | undefined;
  for (;;) {
    const some = await storage.scan(folder, {
      limit: page,
      ...(after === undefined ? {} : { after }),
    });
    for (const { key, value } of some) {
      visit({ role, hash: key.slice(folder.length) }, decodeSecretId(value));
    }
    after = some.at(-1)?.key;
    if (some.length < page || after === undefined) return;
  }
}

/** Removes up to `limit` that have ended; the number of those found. */
export async function removeEnded(storage: View, now: number, limit: number): Promise<number> {
  const ended = await storage.scan(ends, { before: `${ends}${timeKey(now)}/`, limit });
  for (const { key } of ended) {
    const [, role = "", hash = ""] = key.slice(ends.length).split("/");
    const bytes = await storage.get(`${prefix}${role}/${hash}`);
    if (bytes === undefined) storage.delete(key);
    else removeSecretId(storage, { role, hash }, decodeSecretId(bytes));
  }
  return ended.length;
}

/** As lookups show it. */
export function secretIdBody(entry: SecretId, role: Role): JsonObject {
  return {
    cidr_list: [...entry.cidrList],
    creation_time: rfc3339(entry.creationTime),
    expiration_time: entry.expirationTime === 0
      ? "0001-01-01T00:00:00Z"
      : rfc3339(entry.expirationTime),
    last_updated_time: rfc3339(entry.lastUpdatedTime),
    metadata: { ...entry.metadata },
    secret_id_accessor: entry.accessor,
    secret_id_num_uses: entry.numUses,
    secret_id_ttl: entry.ttl,
    token_bound_cidrs: [...entry.tokenBoundCidrs],
    ...(role.localSecretIds ? { local: true } : {}),
  };
}

function endKey({ role, hash }: SecretIdPlace, { expirationTime }: SecretId): string {
  return `${ends}${timeKey(expirationTime)}/${role}/${hash}`;
}

function decodeSecretId(bytes: Uint8Array): SecretId {
  const entry: SecretId = JSON.parse(fromUtf8(bytes));
  return entry;
}
