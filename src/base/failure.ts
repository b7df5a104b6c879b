/**
 * The one error that carries an answer for the client: an HTTP status and sentences that are safe
 * to show. Anything else that is thrown is a bug or a broken machine, becomes a 500 without
 * details, and is logged.
 */
export class Failure extends Error {
  /** What the client is told, one sentence an item. Never holds a secret. */
  readonly errors: readonly string[];

  constructor(
    /** HTTP status, 400 to 599. */
    readonly status: number,
    errors: string | readonly string[],
    options?: { cause?: unknown; data?: Record<string, unknown>; headers?: Record<string, string> },
  ) {
    const list = typeof errors === "string" ? [errors] : errors;
    super(list.join("; "), options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.errors = list;
    this.data = options?.data;
    this.headers = options?.headers;
  }

  /** Beside `errors` in the answer's body, for the few calls whose failures carry data. */
  readonly data: Record<string, unknown> | undefined;
  /** Extra response headers, for instance Retry-After. */
  readonly headers: Record<string, string> | undefined;
}

/** 400: the request is malformed or asks for something that can't be. */
export function badRequest(message: string, cause?: unknown): Failure {
  return new Failure(400, message, { cause });
}

/** 403, with the sentence that every client of this API knows. */
export function permissionDenied(detail?: string): Failure {
  return new Failure(
    403,
    detail === undefined ? "permission denied" : [detail, "permission denied"],
  );
}

/** 404 without a sentence, as the API answers for things that are not there. */
export function notFound(message?: string): Failure {
  return new Failure(404, message === undefined ? [] : message);
}

/** 405: the path exists, the operation does not. */
export function unsupportedOperation(): Failure {
  return new Failure(405, "unsupported operation");
}

/** 503 while another node takes over, which does not take long: clients are told to come again soon. */
export function changingOver(message: string, cause?: unknown): Failure {
  return new Failure(503, message, { cause, headers: { "retry-after": "1" } });
}

/** The public part of any error, for logs and for answers that must name a reason. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
