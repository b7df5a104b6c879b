/** Renews a token within its limits; logins ask their auth method first. */
import { badRequest, permissionDenied } from "../base/failure.ts";
import { followGroups } from "../identity/login.ts";
import type { JsonObject } from "../logical/json.ts";
import { newAuth } from "../logical/auth.ts";
import { type LogicalResponse, withWarnings } from "../logical/response.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { TokenEntry } from "../token/entry.ts";
import { effectiveTtl } from "../token/ttl.ts";
import { authOf } from "./issue.ts";
import { storagePrefix } from "./mount_entry.ts";
import type { Services } from "./services.ts";

/** What a renewal is measured by. */
interface Limits {
  readonly ttl: number;
  readonly period: number;
  readonly maxTtl: number;
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  /** Groups of the outside world as the method knows them today. */
  readonly groupAliases: readonly string[] | undefined;
  readonly accessor: string;
}

/**
 * Gives a token more time and tells of it. `text` is the token where the caller knows it, else "".
 * Throws a 400 for one that can't be renewed.
 */
export async function renewToken(
  services: Services,
  transaction: Transaction,
  entry: TokenEntry,
  text: string,
  incrementSeconds: number,
): Promise<LogicalResponse> {
  if (incrementSeconds < 0) throw badRequest("increment must be positive");
  if (entry.type === "batch") throw badRequest("batch tokens cannot be renewed");
  if (!entry.renewable || entry.expireTime === 0) throw badRequest("lease is not renewable");
  const limits = await limitsOf(services, transaction, entry, incrementSeconds);
  const { ttl, warnings } = effectiveTtl({
    ...limits,
    increment: incrementSeconds,
    explicitMaxTtl: entry.explicitMaxTtl,
    issueTime: entry.creationTime,
    now: services.tokens.clock.now(),
  });
  if (ttl <= 0) throw badRequest("past the maximum TTL: the token can't be renewed");
  const extended = await services.issuer.extend(transaction, entry, ttl);
  const identityPolicies = await refreshIdentity(services, transaction, entry, limits);
  const auth = authOf({ token: text, entry: extended }, {
    leaseDurationSeconds: ttl,
    identityPolicies,
  });
  return withWarnings({ auth }, warnings);
}

/** The policies that come with the token's entity, its external groups brought up to date. */
async function refreshIdentity(
  { identity }: Services,
  transaction: Transaction,
  { entityId }: TokenEntry,
  { groupAliases, accessor }: Limits,
): Promise<string[]> {
  if (entityId === "") return [];
  const entity = await identity.entities.follow(transaction, entityId);
  if (entity === undefined || entity.disabled) throw permissionDenied();
  if (groupAliases !== undefined) {
    await followGroups(identity, transaction, entity.id, accessor, groupAliases);
  }
  return [...(await identity.views.build(transaction, entity)).policies];
}

async function limitsOf(
  services: Services,
  transaction: Transaction,
  entry: TokenEntry,
  incrementSeconds: number,
): Promise<Limits> {
  const mounted = services.mounts.router.at(entry.authMount);
  if (mounted === undefined) throw badRequest("the auth method of this token is gone");
  const mount = services.mounts.info(mounted.entry);
  const { defaultLeaseTtl, maxLeaseTtl } = mount;
  const ttls = { defaultLeaseTtl, maxLeaseTtl };
  const maxTtl = Number(entry.internalData.maxTtl ?? 0);
  const auth = newAuth({
    displayName: entry.displayName,
    tokenPolicies: [...entry.policies],
    metadata: entry.meta,
    leaseDurationSeconds: entry.ttl,
    maxTtlSeconds: maxTtl,
    periodSeconds: entry.period,
    internalData: toJson(entry.internalData),
  });
  const storage = transaction.within(storagePrefix(mounted.entry));
  const renewed = await mounted.backend.renewLogin?.({
    mount,
    storage,
    internalData: toJson(entry.internalData),
    incrementSeconds,
    issueTime: entry.creationTime,
  }, auth) ?? auth;
  return {
    ...ttls,
    ttl: renewed.leaseDurationSeconds,
    period: renewed.periodSeconds,
    maxTtl: renewed.maxTtlSeconds,
    groupAliases: renewed.groupAliases,
    accessor: mount.accessor,
  };
}

/** Kept as JSON, so it is JSON. */
function toJson(data: Readonly<Record<string, unknown>>): JsonObject {
  return JSON.parse(JSON.stringify(data));
}
