/** Cross-origin requests: off unless `sys/config/cors` says which origins may call. */
import type { CorsConfig } from "../core/http_settings.ts";
import { errorResponse } from "./write_response.ts";

const methods = ["DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST", "SCAN"];

function allows(cors: CorsConfig, origin: string): boolean {
  return cors.allowedOrigins.includes("*") || cors.allowedOrigins.includes(origin);
}

/**
 * The answer that a request gets before anything else looks at it: a refusal, or that of a
 * preflight. Undefined where it is an ordinary request that may go on.
 */
export function corsAnswer(cors: CorsConfig | undefined, http: Request): Response | undefined {
  const origin = http.headers.get("origin");
  if (http.method === "OPTIONS" && (cors === undefined || origin === null)) {
    return errorResponse(400, ["OPTIONS is answered only where CORS is enabled"]);
  }
  if (cors === undefined || origin === null) return undefined;
  if (!allows(cors, origin)) return errorResponse(403, ["origin not allowed"]);
  if (http.method !== "OPTIONS") return undefined;
  const asked = http.headers.get("access-control-request-method") ?? "";
  if (!methods.includes(asked)) return new Response(null, { status: 405 });
  return new Response(null, {
    status: 200,
    headers: {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": methods.join(","),
      "access-control-allow-headers": cors.allowedHeaders.join(","),
      "access-control-max-age": "300",
      vary: "Origin",
    },
  });
}

/** Tells the browser that its page may read this answer. */
export function addCorsHeaders(
  cors: CorsConfig | undefined,
  http: Request,
  response: Response,
): Response {
  const origin = cors === undefined ? null : http.headers.get("origin");
  if (origin === null) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("vary", "Origin");
  return response;
}
