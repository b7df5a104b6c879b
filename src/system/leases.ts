/** `sys/leases/*`. */
import { badRequest, Failure, notFound } from "../base/failure.ts";
import { pageFields, pageOptions } from "../backend/page.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import { leaseTtl } from "../core/secret_lease.ts";
import { notePrefixRevocation, renewSecret, runNoted } from "../core/revoke_prefix.ts";
import type { Services } from "../core/services.ts";
import { isEndUnknown, isOver, type LeaseEntry } from "../lease/entry.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";
import { type LogicalResponse, withWarnings } from "../logical/response.ts";
import { secondsLeft } from "../token/entry.ts";
import { effectiveTtl } from "../token/ttl.ts";

async function find(services: Services, call: Call, id: string): Promise<LeaseEntry> {
  if (id === "") throw badRequest("lease_id must be specified");
  const lease = await services.leases.get(call.transaction, id);
  if (lease === undefined) throw badRequest("invalid lease");
  return lease;
}

function leaseBody(lease: LeaseEntry, now: number): JsonObject {
  return {
    id: lease.id,
    path: lease.id.slice(0, lease.id.lastIndexOf("/")),
    issue_time: rfc3339(lease.issueTime),
    expire_time: lease.expireTime === 0 ? null : rfc3339(lease.expireTime),
    last_renewal: lease.lastRenewal === 0 ? null : rfc3339(lease.lastRenewal),
    renewable: lease.renewable,
    // Of one that is over but not taken back yet the time says when that is tried next.
    ttl: isOver(lease, now) ? 0 : secondsLeft(lease.expireTime, now),
  };
}

async function renew(
  services: Services,
  call: Call,
  id: string,
  increment: number,
): Promise<LogicalResponse> {
  const lease = await find(services, call, id);
  const now = services.tokens.clock.now();
  if (lease.kind === "token") throw badRequest("cannot renew a token here; use auth/token/renew");
  if (isOver(lease, now)) throw badRequest("lease expired");
  if (isEndUnknown(lease)) {
    throw badRequest(
      "the lease can't be renewed: an earlier version made it for a batch token, and did not note " +
        "when that ends; ask for a new secret",
    );
  }
  services.times.untilDurable(call.transaction, "expire.renew");
  const response = await renewSecret(services, call.transaction, lease, increment);
  const mounted = services.mounts.router.find(lease.id);
  if (mounted === undefined) throw badRequest("the mount of this lease is gone");
  const { defaultLeaseTtl, maxLeaseTtl } = services.mounts.info(mounted.mounted.entry);
  const given = effectiveTtl({
    increment,
    ttl: response.secret?.ttlSeconds ?? 0,
    period: 0,
    maxTtl: response.secret?.maxTtlSeconds ?? lease.maxTtl,
    explicitMaxTtl: 0,
    defaultLeaseTtl,
    maxLeaseTtl,
    issueTime: lease.issueTime,
    now,
  });
  const ttl = leaseTtl(now, given.ttl, lease.tokenEnd);
  if (ttl <= 0) throw badRequest("past the maximum TTL: the lease can't be renewed");
  const renewed = { ...lease, expireTime: now + ttl * 1000, lastRenewal: now };
  services.leases.put(call.transaction, renewed, lease);
  const answer: LogicalResponse = {
    lease: { id: lease.id, durationSeconds: ttl, renewable: lease.renewable },
    ...(response.data === undefined ? {} : { data: response.data }),
  };
  return withWarnings(answer, given.warnings);
}

/** One that is not there is as good as revoked. */
async function revoke(services: Services, call: Call, id: string, sync: boolean): Promise<void> {
  if (id === "") throw badRequest("lease_id must be specified");
  const lease = await services.leases.get(call.transaction, id);
  if (lease === undefined) return;
  services.times.untilDurable(call.transaction, "expire.revoke");
  if (lease.kind === "token") {
    const entry = await services.tokens.lookupHash(call.transaction, lease.tokenId);
    if (entry === undefined) services.leases.remove(call.transaction, lease);
    else await services.revoker.revokeTree(call.transaction, entry);
    return;
  }
  services.expiration.secrets.endEarly(call.transaction, lease);
  if (sync) call.transaction.beforeAnswer(() => revokeNow(services, lease));
}

async function revokeNow(services: Services, lease: LeaseEntry): Promise<void> {
  const failure = await services.expiration.secrets.endNow(lease);
  if (failure === undefined) return;
  throw new Failure(400, `failed to revoke "${lease.id}", which is tried again: ${failure.error}`);
}

function revokeBelow(services: Services, call: Call, prefix: string, force: boolean) {
  if (prefix === "") throw badRequest("a prefix is needed");
  const { random, clock } = services.tokens;
  const folder = prefix.endsWith("/") ? prefix : `${prefix}/`;
  const noted = notePrefixRevocation(call.transaction, random, clock.now(), folder, { force });
  call.transaction.beforeAnswer(() => runNoted(services, noted));
}

async function irrevocable(services: Services, call: Call): Promise<LeaseEntry[]> {
  const failing: LeaseEntry[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await services.leases.failing(call.transaction, after, 500);
    failing.push(...page);
    if (page.length < 500) return failing;
    after = page.at(-1)?.id;
  }
}

function mountCounts(services: Services, leases: readonly LeaseEntry[]): JsonObject {
  const counts: Record<string, number> = {};
  for (const { id } of leases) {
    const accessor = services.mounts.router.find(id)?.mounted.entry.accessor ?? "";
    counts[accessor] = (counts[accessor] ?? 0) + 1;
  }
  return counts;
}

export function leasePaths(services: () => Services): Path[] {
  return [...listingPaths(services), ...endingPaths(services)];
}

function listingPaths(services: () => Services): Path[] {
  const type = field.string("irrevocable", "");
  const lookup = async (call: Call, id: string) => {
    const { times, tokens } = services();
    const found = await times.during("expire.fetch-lease-times", () => find(services(), call, id));
    return { data: leaseBody(found, tokens.clock.now()) };
  };
  return [
    path("leases/lookup/*prefix", {
      summary: "Lists leases by the path they were made under.",
      sudo: true,
      fields: pageFields,
      query: ["after", "limit"],
      operations: {
        list: {
          summary: "Lists leases below a prefix.",
          handler: async (call, { prefix, ...page }) => {
            const { leases } = services();
            const keys = await leases.list(call.transaction, prefix, pageOptions(page));
            return { data: { keys } };
          },
        },
      },
    }),
    path("leases/lookup", {
      summary: "A lease's times.",
      fields: { lease_id: field.string("The lease.", "") },
      operations: {
        update: {
          summary: "Tells of a lease.",
          handler: (call, input) => lookup(call, input.lease_id),
        },
      },
    }),
    path("leases/revocations", {
      summary: "The revocations by prefix that are under way.",
      sudo: true,
      operations: {
        read: {
          summary: "Tells how far revocations by prefix are.",
          handler: () => ({
            data: {
              revocations: [...services().revoker.running.values()].map((one) => ({
                prefix: one.prefix,
                started: rfc3339(one.startedAt),
                revoked: one.revoked,
              })),
            },
          }),
        },
      },
    }),
    path("leases/count", {
      summary: "How many leases can't be revoked.",
      fields: { type },
      query: ["type"],
      operations: {
        read: {
          summary: "Counts leases that can't be revoked.",
          handler: async (call, input) => {
            if (input.type !== "irrevocable") throw notFound();
            const leases = await irrevocable(services(), call);
            const counts = mountCounts(services(), leases);
            return { data: { lease_count: leases.length, counts } };
          },
        },
      },
    }),
    path("leases/?", {
      summary: "The leases that can't be revoked.",
      fields: { type, limit: field.string("none for all of them.") },
      query: ["type", "limit"],
      operations: {
        read: {
          summary: "Lists leases that can't be revoked, with reason and age.",
          handler: async (call, input) => {
            if (input.type !== "irrevocable") throw notFound();
            const leases = await irrevocable(services(), call);
            return {
              data: {
                lease_count: leases.length,
                leases: leases.map((lease) => ({
                  lease_id: lease.id,
                  mount_path: services().mounts.router.find(lease.id)?.mounted.entry.path ?? "",
                  error: lease.failure?.error ?? "",
                  attempts: lease.failure?.attempts ?? 0,
                  since: rfc3339(lease.failure?.since ?? lease.expireTime),
                })),
              },
            };
          },
        },
      },
    }),
  ];
}

function endingPaths(services: () => Services): Path[] {
  const lease_id = field.string("The lease.", "");
  const increment = field.duration("Seconds that are asked for.", 0);
  const sync = field.bool("Answers only once it is done.", false);
  const below = (name: string, force: boolean) =>
    path(`leases/${name}/*prefix`, {
      summary: "Revokes all leases below a prefix.",
      sudo: true,
      fields: { sync },
      operations: {
        update: {
          summary: "Revokes all leases below a prefix.",
          handler: (call, input) => revokeBelow(services(), call, String(input.prefix), force),
        },
      },
    });
  return [
    path("leases/renew/+url_lease_id", {
      summary: "More time for a lease.",
      fields: { increment, lease_id },
      operations: {
        update: {
          summary: "Renews a lease.",
          handler: (call, input) => renew(services(), call, input.url_lease_id, input.increment),
        },
      },
    }),
    path("leases/renew", {
      summary: "More time for a lease.",
      fields: { lease_id, increment },
      operations: {
        update: {
          summary: "Renews a lease.",
          handler: (call, input) => renew(services(), call, input.lease_id, input.increment),
        },
      },
    }),
    path("leases/revoke/+url_lease_id", {
      summary: "The end of a lease.",
      fields: { sync, lease_id },
      operations: {
        update: {
          summary: "Revokes a lease.",
          handler: (call, input) => revoke(services(), call, input.url_lease_id, input.sync),
        },
      },
    }),
    path("leases/revoke", {
      summary: "The end of a lease.",
      fields: { lease_id, sync },
      operations: {
        update: {
          summary: "Revokes a lease.",
          handler: (call, input) => revoke(services(), call, input.lease_id, input.sync),
        },
      },
    }),
    below("revoke-prefix", false),
    below("revoke-force", true),
    path("leases/tidy", {
      summary: "Removes index entries that lead nowhere.",
      sudo: true,
      operations: {
        update: {
          summary: "Removes index entries that lead nowhere.",
          handler: () => ({
            status: 202,
            warnings: [
              "Nothing to tidy: a lease and its index entries are always removed together.",
            ],
          }),
        },
      },
    }),
  ];
}
