/**
 * What a listener's `profiling` and `inflight_requests_logging` stanzas change: profiles, and the list
 * of requests under way, without a token.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { LogicalResponse } from "../logical/response.ts";
import { answerAside, decodedPath } from "./metrics_access.ts";

export interface LookAccess {
  readonly profiles: boolean;
  readonly requests: boolean;
}

/** Where the answers come from. */
export interface Looks {
  /** `name` is the last part of the path, `seconds` as the query has it. Throws a `Failure`. */
  profile(name: string, seconds: string | null): Awaitable<LogicalResponse>;
  requests(): Awaitable<LogicalResponse>;
}

/** Answers what the stanzas open, and leaves the rest to others; undefined where they open nothing. */
export function lookAccess(
  { profiles, requests }: LookAccess,
  looks: Looks,
): ((request: Request) => Promise<Response> | undefined) | undefined {
  if (!profiles && !requests) return undefined;
  return (request) => {
    const { url, method } = request;
    // Nearly all requests are about something else: looked at no further than this.
    const maybe = url.includes("pprof") || url.includes("in-flight") || url.includes("%");
    if (!maybe || method !== "GET") return undefined;
    const { pathname, searchParams } = new URL(url);
    const path = decodedPath(pathname).replace(/\/$/, "");
    if (requests && path === "/v1/sys/in-flight-req") return answerAside(() => looks.requests());
    const name = /^\/v1\/sys\/pprof\/([^/]+)$/.exec(path)?.[1];
    if (!profiles || name === undefined) return undefined;
    return answerAside(() => looks.profile(name, searchParams.get("seconds")));
  };
}
