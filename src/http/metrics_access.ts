/** What a listener's `telemetry` stanza changes: metrics without a token, none, or nothing else. */
import type { Awaitable } from "../base/awaitable.ts";
import type { LogicalResponse } from "../logical/response.ts";
import { errorResponse, failureResponse, writeResponse } from "./write_response.ts";

export interface MetricsAccess {
  readonly unauthenticated: boolean;
  readonly disallow: boolean;
  readonly only: boolean;
  /** A path of its own, for instance "/metrics"; "" for none. */
  readonly path: string;
}

export type MetricsRenderer = (format: string, accept: string) => Awaitable<LogicalResponse>;

/** Answers what the stanza decides, and leaves the rest to others; undefined where it is empty. */
export function metricsAccess(
  access: MetricsAccess,
  render: MetricsRenderer,
): ((request: Request) => Promise<Response> | undefined) | undefined {
  const { unauthenticated, disallow, only, path } = access;
  if (!unauthenticated && !disallow && !only && path === "") return undefined;
  return (request) => {
    const { url } = request;
    // Nearly all requests are about something else: looked at no further than this.
    const maybe = url.includes("etrics") || url.includes("%") || path !== "";
    if (!maybe && !only) return undefined;
    const { pathname, searchParams } = new URL(url);
    const asked = decodedPath(pathname);
    const isMetrics = /^\/v1\/sys\/metrics\/?$/.test(asked) || (path !== "" && asked === path);
    const isClosed = isMetrics ? disallow : only;
    if (isClosed) return Promise.resolve(errorResponse(404, []));
    if (!isMetrics || !unauthenticated || request.method !== "GET") return undefined;
    const accept = request.headers.get("accept") ?? "";
    return answerAside(() => render(searchParams.get("format") ?? "", accept));
  };
}

/** The answer to what no token is needed for. */
export async function answerAside(render: () => Awaitable<LogicalResponse>): Promise<Response> {
  try {
    return writeResponse("", "read", await render());
  } catch (error) {
    return failureResponse(error);
  }
}

/** A path that can't be decoded stays as it is. */
export function decodedPath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch (error) {
    if (error instanceof URIError) return pathname;
    throw error;
  }
}
