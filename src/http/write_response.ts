/** Core answers out, as HTTP. */
import { Failure } from "../base/failure.ts";
import { envelope } from "../logical/envelope.ts";
import type { Operation } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";

const security = {
  "cache-control": "no-store",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
};

const json = { ...security, "content-type": "application/json" };

/** Characters of a text that is too long to be left waiting for whoever does not take it. */
const largeText = 65_536;

const largeAnswers = new WeakMap<Response, number>();

/** How long the text of a large answer is; 0 for all others. */
export function largeAnswerSize(response: Response): number {
  return largeAnswers.get(response) ?? 0;
}

function textResponse(text: string, init: ResponseInit): Response {
  const response = new Response(text, init);
  if (text.length > largeText) largeAnswers.set(response, text.length);
  return response;
}

/** The HTTP form of an answer. Reads that found nothing are a 404, writes that say nothing 204. */
export function writeResponse(
  requestId: string,
  operation: Operation,
  response: LogicalResponse | undefined,
): Response {
  if (response?.raw !== undefined) {
    const { status, contentType, body, headers } = response.raw;
    const type: Record<string, string> = contentType === "" ? {} : { "content-type": contentType };
    const init = { status, headers: { ...security, ...type, ...headers } };
    return typeof body === "string" ? textResponse(body, init) : new Response(body, init);
  }
  const reads = operation === "read" || operation === "list" || operation === "scan";
  if (response === undefined || (isEmpty(response) && response.status !== 200)) {
    if (reads) return errorResponse(404, []);
    return new Response(null, { status: response?.status ?? 204, headers: json });
  }
  if ((operation === "list" || operation === "scan") && listsNothing(response)) {
    return response.warnings === undefined
      ? errorResponse(404, [])
      : new Response(JSON.stringify(envelope(requestId, response)), { status: 404, headers: json });
  }
  const body = JSON.stringify(envelope(requestId, response));
  return textResponse(body, { status: response.status ?? 200, headers: json });
}

function isEmpty(response: LogicalResponse): boolean {
  return response.data === undefined && response.auth === undefined &&
    response.wrapInfo === undefined && response.warnings === undefined &&
    response.topLevel === undefined && response.lease === undefined;
}

function listsNothing(response: LogicalResponse): boolean {
  if (response.wrapInfo !== undefined || response.auth !== undefined) return false;
  const keys = response.data?.keys;
  return keys === undefined || keys === null || (Array.isArray(keys) && keys.length === 0);
}

/** `{"errors": […]}`. */
export function errorResponse(
  status: number,
  errors: readonly string[],
  extra?: { data?: Record<string, unknown>; headers?: Record<string, string> },
): Response {
  return new Response(JSON.stringify({ ...extra?.data, errors }), {
    status,
    headers: { ...json, ...extra?.headers },
  });
}

/** A refusal as the client sees it. Whatever is not a `Failure` is told as an internal error. */
export function failureResponse(error: unknown): Response {
  if (!(error instanceof Failure)) return errorResponse(500, ["internal error"]);
  return errorResponse(error.status, error.errors, {
    ...(error.data === undefined ? {} : { data: error.data }),
    ...(error.headers === undefined ? {} : { headers: error.headers }),
  });
}
