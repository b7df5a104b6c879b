/** The front door: `/v1/*` for the API, `/ui/*` for people, everything else is not here. */
import { Hono } from "hono";
import type { Random } from "../base/clock.ts";
import { describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Connection, Operation, Request as LogicalRequest } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import { NotAnswered } from "../core/not_answered.ts";
import type { CorsConfig } from "../core/http_settings.ts";
import { addCorsHeaders, corsAnswer } from "./cors.ts";
import { cleanPath } from "./clean_path.ts";
import type { LoadGate } from "./load_gate.ts";
import { readRequest, type RequestLimits } from "./read_request.ts";
import { storageFailure } from "./storage_failure.ts";
import { errorResponse, failureResponse, writeResponse } from "./write_response.ts";

/** What the front door needs of the node. */
export interface RequestHandler {
  /** CORS, as operators have set it. */
  readonly cors: CorsConfig | undefined;
  handle(request: LogicalRequest): Promise<LogicalResponse | undefined>;
}

export interface AppOptions {
  readonly handler: RequestHandler;
  readonly limits: RequestLimits;
  /** Bounds what is under way; undefined where the operator wants no such bound. */
  readonly load: LoadGate | undefined;
  readonly random: Random;
  readonly log: Logger;
}

/** What the listener tells of each request beside HTTP itself. */
export interface AppEnv {
  readonly connection: Connection;
}

/** Whatever comes in over HTTP, answered. */
export interface App {
  /** Rejects with `NotAnswered` only. */
  fetch(request: Request, env: AppEnv): Response | Promise<Response>;
}

/** The API is asked without a look at other routes: it is nearly all that is ever asked. */
export function createApp(options: AppOptions): App {
  const people = new Hono<{ Bindings: AppEnv }>({ strict: true });
  // The API under another spelling: "/v1" alone, or with its letters escaped.
  people.all("/v1/*", (c) => answer(options, c.req.raw, c.env.connection));
  people.get("/", (c) => c.redirect("/ui/", 307));
  people.notFound(() => errorResponse(404, []));
  people.onError((error) => {
    // For whoever passes it on.
    if (error instanceof NotAnswered) throw error;
    options.log.error("a request failed outside of the API", { error: describeError(error) });
    return failureResponse(error);
  });
  return {
    fetch: (request, env) =>
      request.url.startsWith("/v1/", pathStart(request.url))
        ? answer(options, request, env.connection)
        : people.fetch(request, env),
  };
}

const readOperations: ReadonlySet<Operation> = new Set(["read", "list", "scan", "help"]);

function answer(options: AppOptions, http: Request, connection: Connection): Promise<Response> {
  const { cors } = options.handler;
  return cors === undefined && http.method !== "OPTIONS"
    ? answerApi(options, http, connection)
    : answerOrigin(options, cors, http, connection);
}

/** Answers what may come from a page of another origin. */
async function answerOrigin(
  options: AppOptions,
  cors: CorsConfig | undefined,
  http: Request,
  connection: Connection,
): Promise<Response> {
  const early = corsAnswer(cors, http);
  if (early !== undefined) return early;
  const response = await answerApi(options, http, connection);
  return cors === undefined ? response : addCorsHeaders(cors, http, response);
}

async function answerApi(
  options: AppOptions,
  http: Request,
  connection: Connection,
): Promise<Response> {
  let request: LogicalRequest | undefined;
  let leave: (() => void) | undefined;
  try {
    const { path, query } = splitUrl(http.url);
    const cleaned = cleanPath(`/v1/${path}`);
    if (cleaned !== undefined) return redirect(http.method, cleaned, query);
    if (path === "sys") return redirect(http.method, "/v1/sys/", query);
    request = await readRequest(http, path, query, connection, options.limits, options.random);
    leave = options.load?.enter(request.path, readOperations.has(request.operation));
    const response = await options.handler.handle(request);
    return withHeaders(request, writeResponse(request.id, request.operation, response));
  } catch (caught) {
    if (caught instanceof NotAnswered) throw caught;
    const error = storageFailure(caught);
    if (!(error instanceof Failure)) {
      options.log.error("a request failed", {
        request_id: request?.id,
        path: request?.path,
        error: describeError(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
    return withHeaders(request, failureResponse(error));
  } finally {
    leave?.();
    options.limits.body.load.release(http);
  }
}

/** Adds what the request's way through the node has found to say. */
function withHeaders(request: LogicalRequest | undefined, response: Response): Response {
  if (request?.answerHeaders === undefined) return response;
  for (const [name, value] of Object.entries(request.answerHeaders)) {
    response.headers.set(name, value);
  }
  return response;
}

function redirect(method: string, path: string, query: string): Response {
  const location = query === "" ? path : `${path}?${query}`;
  const headers = { location, "cache-control": "no-store" };
  if (method !== "GET") return new Response(null, { status: 307, headers });
  return new Response(`see ${location}\n`, {
    status: 307,
    headers: { ...headers, "content-type": "text/plain" },
  });
}

/** The path after "/v1/" and the query, out of an absolute URL. */
function splitUrl(url: string): { path: string; query: string } {
  const start = pathStart(url) + "/v1/".length;
  const mark = url.indexOf("?", start);
  return mark < 0
    ? { path: url.slice(start), query: "" }
    : { path: url.slice(start, mark), query: url.slice(mark + 1) };
}

/** Where the path of an absolute URL begins. */
function pathStart(url: string): number {
  return url.indexOf("/", url.indexOf("//") + 2);
}
