/** Registers the lease of a dynamic secret. */
import { badRequest, Failure } from "../base/failure.ts";
import { type LeasedSecret, type LogicalResponse, withWarnings } from "../logical/response.ts";
import type { TokenEntry } from "../token/entry.ts";
import { timedBase62 } from "../token/text.ts";
import { effectiveTtl } from "../token/ttl.ts";
import type { Call } from "./backend.ts";
import type { Services } from "./services.ts";

/**
 * A token's last use takes it, and all its leases with it: what is handed out would outlive it.
 * Engines make nothing outside before the commit, so that a refusal here leaves nothing behind.
 */
async function refuseLastUse(services: Services, call: Call, token: TokenEntry): Promise<void> {
  if (token.type !== "service") return;
  if (await services.tokens.lookupHash(call.transaction, token.id) !== undefined) return;
  throw badRequest("the secret is not handed out: this was its token's last use, which ended it");
}

/** Of a batch token only its parent has an entry that can end its leases: see `LeaseEntry`. */
function ownerOf({ type, id, parent, expireTime }: TokenEntry) {
  return type === "batch" ? { tokenId: parent, tokenEnd: expireTime } : { tokenId: id };
}

/** Of so many seconds those that a lease gets: until the end of its batch token at most. */
export function leaseTtl(now: number, ttlSeconds: number, tokenEnd = Infinity): number {
  return Math.max(0, Math.min(ttlSeconds, Math.floor((tokenEnd - now) / 1000)));
}

/** Keeps a lease for the answer's secret in the request's transaction, and tells of it. */
export async function registerSecret(
  services: Services,
  call: Call,
  response: LogicalResponse,
  secret: LeasedSecret,
): Promise<void> {
  if (call.token === undefined) {
    throw new Failure(500, "a leased secret needs a token that it can belong to");
  }
  const now = services.tokens.clock.now();
  const given = effectiveTtl({
    increment: 0,
    ttl: secret.ttlSeconds,
    period: 0,
    maxTtl: secret.maxTtlSeconds,
    explicitMaxTtl: 0,
    defaultLeaseTtl: call.mount.defaultLeaseTtl,
    maxLeaseTtl: call.mount.maxLeaseTtl,
    issueTime: now,
    now,
  });
  const owner = ownerOf(call.token);
  const ttl = leaseTtl(now, given.ttl, owner.tokenEnd);
  const id = `${call.request.path}/${
    timedBase62(services.tokens.clock, services.tokens.random, 24)
  }`;
  await refuseLastUse(services, call, call.token);
  services.times.untilDurable(call.transaction, "expire.register");
  await services.tokens.burden(call.transaction, owner.tokenId);
  await services.quotas.reserveLease(call.transaction, {
    path: call.request.path,
    mount: call.mount.path,
    role: "",
  });
  services.leases.put(call.transaction, {
    id,
    kind: "secret",
    ...owner,
    issueTime: now,
    expireTime: now + ttl * 1000,
    lastRenewal: 0,
    renewable: secret.renewable,
    maxTtl: secret.maxTtlSeconds,
    namespaceId: call.request.namespace.id,
    internalData: secret.internalData,
  });
  const { path } = call.mount;
  const engine = services.mounts.router.at(path)?.entry.type ?? "";
  call.transaction.afterCommit(() => services.metrics.leaseCreated(engine, path, ttl));
  response.lease = { id, durationSeconds: ttl, renewable: secret.renewable };
  withWarnings(response, given.warnings);
}
