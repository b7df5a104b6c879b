/**
 * Paths that the node itself answers, sealed or not, without a token: what it takes to bring it up
 * and to see how it is. Their answers are flat objects, not the usual envelope.
 */
import { Failure } from "../../base/failure.ts";
import { readField } from "../../backend/field.ts";
import type { FieldMap, FieldValue } from "../../backend/field.ts";
import type { Awaitable } from "../../base/awaitable.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Request } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";

export interface NodeRoute {
  /** Without "/v1/". */
  readonly path: string;
  readonly methods: readonly string[];
  readonly handle: (request: Request) => Awaitable<LogicalResponse | undefined>;
}

type Values<F extends FieldMap> = { readonly [K in keyof F]: FieldValue<F[K]> };

type MethodHandler<F extends FieldMap> = (
  input: Values<F>,
  request: Request,
) => Awaitable<LogicalResponse | undefined | void>;

/** Declares one; PUT is taken wherever POST is. */
export function nodeRoute<const F extends FieldMap>(
  path: string,
  fields: F,
  handlers: Readonly<Partial<Record<"GET" | "HEAD" | "POST" | "DELETE", MethodHandler<F>>>>,
): NodeRoute {
  const methods = Object.keys(handlers).flatMap((m) => m === "POST" ? ["POST", "PUT"] : [m]);
  return {
    path,
    methods,
    async handle(request) {
      const key = request.method === "PUT" ? "POST" : request.method;
      const handler = isHandled(key, handlers) ? handlers[key] : undefined;
      if (handler === undefined || request.operation === "list") throw new Failure(405, []);
      const input: Record<string, unknown> = {};
      for (const [name, declared] of Object.entries(fields)) {
        input[name] = readField<unknown>(name, declared, request.data[name]);
      }
      return await handler(asValues(input), request) ?? undefined;
    },
  };
}

function isHandled<H extends object>(method: string, handlers: H): method is keyof H & string {
  return Object.hasOwn(handlers, method);
}

/** Every field was read by its own declaration just above. */
function asValues<F extends FieldMap>(input: Record<string, unknown>): Values<F> {
  return input as Values<F>;
}

/** A flat answer. */
export function flat(body: JsonObject, status = 200): LogicalResponse {
  return { raw: { status, contentType: "application/json", body: JSON.stringify(body) } };
}

/** An answer without a body. */
export function empty(status = 204): LogicalResponse {
  return { raw: { status, contentType: "application/json", body: null } };
}
