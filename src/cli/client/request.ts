/** A request to the API before it becomes HTTP. */
import type { Json } from "../json.ts";
import { UsageError } from "../errors.ts";
import type { WireBody } from "./transport.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/v1/`. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  /** Sent as JSON. */
  readonly body?: Json;
  /** Sent as it is, opened anew for each attempt. */
  readonly rawBody?: () => Promise<WireBody> | WireBody;
  readonly headers?: readonly (readonly [string, string])[];
  /** In place of the user's token; "" sends none. */
  readonly token?: string;
  /** In place of the user's namespace. */
  readonly namespace?: string;
  /** Asked for by the command itself: sent even when the user's request is only printed. */
  readonly preflight?: boolean;
  /** Milliseconds; 0 for no limit. In place of the user's setting. */
  readonly timeoutMs?: number;
}

/** `/a/b` and `a//b/` are `a/b`. Throws UsageError for `.` and `..`, which URLs can't carry. */
export function apiPath(text: string): string {
  const parts = text.trim().split("/").filter((part) => part !== "");
  if (parts.includes(".") || parts.includes("..")) {
    throw new UsageError('a path can\'t contain "." or ".." as a part');
  }
  return parts.join("/");
}

/** The path and query of a request's URL. */
export function urlOf(address: string, request: ApiRequest): string {
  const base = address.startsWith("unix://") ? "http://localhost" : address;
  const path = apiPath(request.path).split("/").map(encodePart).join("/");
  const query = new URLSearchParams(
    (request.query ?? []).map(([k, v]): [string, string] => [k, v]),
  );
  const search = query.size === 0 ? "" : `?${query}`;
  return `${base}/v1/${path}${search}`;
}

/** Escapes what a URL's path can't hold, and leaves readable what it can (RFC 3986 pchar). */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(
    /%(?:24|26|2B|2C|3A|3B|3D|40)/g,
    (code) => decodeURIComponent(code),
  );
}
