/** Whether a request is let in at all: rate limits, before its token is looked at. */
import { Failure } from "../base/failure.ts";
import type { Request } from "../logical/request.ts";
import type { RateVerdict } from "../quota/rate_limiter.ts";
import type { Call } from "./backend.ts";
import { routePath } from "./mount_entry.ts";
import type { Route } from "./router.ts";
import type { Services } from "./services.ts";

/** Counts a request. Throws a 429 where its caller has none left. */
export async function admit(
  services: Services,
  request: Request,
  route: Route | undefined,
  callIn: (run: (call: Call) => Promise<string>) => Promise<string>,
): Promise<void> {
  const { quotas } = services;
  if (quotas.rateLimits.size === 0) return;
  const mount = route === undefined ? "" : routePath(route.mounted.entry);
  const hasRole = [...quotas.rateLimits.values()].some((r) => r.role !== "" && r.path === mount);
  const role = hasRole ? await callIn((call) => loginRole(route, call)) : "";
  const subject = { path: request.path, mount, role };
  const verdict = quotas.takeRequest(subject, request.connection.remoteAddress);
  if (verdict === undefined) return;
  if (quotas.config.responseHeaders) request.answerHeaders = rateHeaders(verdict);
  if (verdict.allowed) return;
  throw new Failure(429, `request path "${request.path}": rate limit quota exceeded`, {
    headers: { "retry-after": String(verdict.resetSeconds) },
  });
}

/** The role that a request logs in with; "" where it is no login or the method has no roles. */
export async function loginRole(route: Route | undefined, call: Call): Promise<string> {
  return await route?.mounted.backend.loginRole?.(call) ?? "";
}

function rateHeaders(verdict: RateVerdict): Record<string, string> {
  return {
    "x-ratelimit-limit": String(verdict.limit),
    "x-ratelimit-remaining": String(verdict.remaining),
    "x-ratelimit-reset": String(verdict.resetSeconds),
  };
}
