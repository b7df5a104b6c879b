/** `sys/quotas/*`. */
import { badRequest, notFound } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import { routePath } from "../core/mount_entry.ts";
import type { Services } from "../core/services.ts";
import { withWarnings } from "../logical/response.ts";
import { isIncomplete, type RateLimitRule } from "../quota/rule.ts";

const scopeFields = {
  path: field.string("What it holds for: everything, a mount, a path, or a path with *.", ""),
  role: field.string("Only logins with this role of the auth mount.", ""),
  inheritable: field.bool("Holds for namespaces below too."),
};

/** Until the logins of before a rule are counted. */
const incomplete = "Logins that were made before this limit are still being counted: " +
  "the counter may be too low, and more may be let in.";

interface ScopeInput {
  readonly name: string;
  readonly path: string;
  readonly role: string;
  readonly inheritable: boolean | undefined;
}

/**
 * What a quota holds for, in the form that requests are matched with: a mount's path with its slash,
 * a path below one without. Throws a 400 where no mount answers it.
 */
function scopeOf(services: Services, given: ScopeInput) {
  const { role } = given;
  const asked = given.path.replace(/^\/+/, "");
  const scope = { name: given.name, role, inheritable: given.inheritable ?? asked === "" };
  if (asked === "") {
    if (role !== "") throw badRequest("a role needs the path of an auth mount");
    return { ...scope, path: "" };
  }
  const route = services.mounts.router.find(asked.replace(/\*$/, ""));
  if (route === undefined) throw badRequest(`invalid path "${asked}": no mount answers it`);
  const { entry, backend } = route.mounted;
  const isMount = route.path === "" && !asked.endsWith("*");
  if (role !== "" && (!isMount || entry.table !== "auth" || backend.loginRole === undefined)) {
    throw badRequest("a role goes with an auth mount that has roles");
  }
  return { ...scope, path: isMount ? routePath(entry) : asked.replace(/\/+$/, "") };
}

function rateBody(rule: RateLimitRule) {
  return {
    type: "rate-limit",
    name: rule.name,
    path: rule.path,
    role: rule.role,
    inheritable: rule.inheritable,
    rate: rule.rate,
    interval: rule.interval,
    block_interval: rule.blockInterval,
  };
}

function ratePaths(services: () => Services): Path[] {
  return [
    path("quotas/rate-limit/?", {
      summary: "The rate limits.",
      operations: {
        list: {
          summary: "Lists the rate limits.",
          handler: () => ({ data: { keys: [...services().quotas.rateLimits.keys()].sort() } }),
        },
      },
    }),
    path("quotas/rate-limit/:name", {
      summary: "A rate limit.",
      fields: {
        ...scopeFields,
        rate: field.float("Requests an interval.", 0),
        interval: field.duration("Length of an interval.", 1),
        block_interval: field.duration("How long a caller is refused after a breach.", 0),
      },
      operations: {
        read: {
          summary: "Reads a rate limit.",
          handler: (_call, { name }) => {
            const rule = services().quotas.rateLimits.get(name);
            if (rule === undefined) throw notFound();
            return { data: rateBody(rule) };
          },
        },
        update: {
          summary: "Makes or changes a rate limit.",
          handler: (call, input) => {
            if (!(input.rate > 0)) throw badRequest("'rate' must be greater than 0");
            if (input.interval < 1) throw badRequest("'interval' must be at least a second");
            if (input.block_interval < 0) throw badRequest("'block_interval' cannot be negative");
            services().quotas.putRateLimit(call.transaction, {
              ...scopeOf(services(), input),
              rate: input.rate,
              interval: input.interval,
              blockInterval: input.block_interval,
            });
          },
        },
        delete: {
          summary: "Removes a rate limit.",
          handler: (call, { name }) => services().quotas.deleteRateLimit(call.transaction, name),
        },
      },
    }),
  ];
}

function leasePaths(services: () => Services): Path[] {
  return [
    path("quotas/lease-count/?", {
      summary: "The limits of how many leases there are.",
      operations: {
        list: {
          summary: "Lists the limits.",
          handler: () => ({ data: { keys: [...services().quotas.leaseCounts.keys()].sort() } }),
        },
      },
    }),
    path("quotas/lease-count/:name", {
      summary: "A limit of how many leases there are.",
      fields: { ...scopeFields, max_leases: field.int("The most leases.", 0) },
      operations: {
        read: {
          summary: "Reads a limit, with the leases that count.",
          handler: async (call, { name }) => {
            const { quotas } = services();
            const rule = quotas.leaseCounts.get(name);
            if (rule === undefined) throw notFound();
            const data = {
              type: "lease-count",
              name: rule.name,
              path: rule.path,
              role: rule.role,
              inheritable: rule.inheritable,
              max_leases: rule.maxLeases,
              counter: await quotas.counted(call.transaction, rule),
            };
            return withWarnings({ data }, isIncomplete(rule) ? [incomplete] : []);
          },
        },
        update: {
          summary: "Makes or changes a limit.",
          handler: (call, input) => {
            if (input.max_leases < 1) throw badRequest("'max_leases' must be greater than 0");
            if (input.role !== "" && !services().tokens.forms.counted()) {
              throw badRequest("a lease count for a role needs all nodes to be of this version");
            }
            services().quotas.putLeaseCount(call.transaction, {
              ...scopeOf(services(), input),
              maxLeases: input.max_leases,
            });
          },
        },
        delete: {
          summary: "Removes a limit.",
          handler: (call, { name }) => services().quotas.deleteLeaseCount(call.transaction, name),
        },
      },
    }),
  ];
}

export function quotaPaths(services: () => Services): Path[] {
  return [
    path("quotas/config", {
      summary: "What holds for all rate limits.",
      fields: {
        rate_limit_exempt_paths: field.list("Paths that no rate limit holds for."),
        enable_rate_limit_audit_logging: field.bool("Records refused requests."),
        enable_rate_limit_response_headers: field.bool("Tells callers what they have left."),
      },
      operations: {
        read: {
          summary: "Reads the configuration.",
          handler: () => {
            const { exemptPaths, auditRefusals, responseHeaders } = services().quotas.config;
            return {
              data: {
                rate_limit_exempt_paths: [...exemptPaths],
                enable_rate_limit_audit_logging: auditRefusals,
                enable_rate_limit_response_headers: responseHeaders,
              },
            };
          },
        },
        update: {
          summary: "Sets the configuration; what is not named is as by default.",
          handler: (call, input) => {
            services().quotas.setConfig(call.transaction, {
              exemptPaths: input.rate_limit_exempt_paths ?? [],
              auditRefusals: input.enable_rate_limit_audit_logging ?? false,
              responseHeaders: input.enable_rate_limit_response_headers ?? false,
            });
          },
        },
      },
    }),
    ...ratePaths(services),
    ...leasePaths(services),
  ];
}
