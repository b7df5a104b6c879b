/** Registers the lease of a dynamic secret. */
import { Failure } from "../base/failure.ts";
import { type LeasedSecret, type LogicalResponse, withWarnings } from "../logical/response.ts";
import { randomBase62 } from "../token/text.ts";
import { effectiveTtl } from "../token/ttl.ts";
import type { Call } from "./backend.ts";
import type { Services } from "./services.ts";

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
  const { ttl, warnings } = effectiveTtl({
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
  const id = `${call.request.path}/${randomBase62(services.tokens.random, 24)}`;
  await services.tokens.burden(call.transaction, call.token.id);
  services.leases.put(call.transaction, {
    id,
    kind: "secret",
    tokenId: call.token.id,
    issueTime: now,
    expireTime: now + ttl * 1000,
    lastRenewal: 0,
    renewable: secret.renewable,
    maxTtl: secret.maxTtlSeconds,
    namespaceId: call.request.namespace.id,
    internalData: secret.internalData,
  });
  services.quotas.reserveLease(call.transaction, {
    path: call.request.path,
    mount: call.mount.path,
    role: "",
  });
  const { path } = call.mount;
  const engine = services.mounts.router.at(path)?.entry.type ?? "";
  call.transaction.afterCommit(() => services.metrics.leaseCreated(engine, path, ttl));
  response.lease = { id, durationSeconds: ttl, renewable: secret.renewable };
  withWarnings(response, warnings);
}
