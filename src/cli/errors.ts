/** What ends a command early. Nothing here ever carries a token, a key or a secret value. */

/** The command line itself is wrong: exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command failed; printed as it stands, with its exit code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(message: string, readonly exitCode: number, options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** Help was asked for: printed to standard output, exit code 0. */
export class HelpWanted extends Error {
  override readonly name = "HelpWanted";
}

/** The user pressed Ctrl-C at a prompt. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** In place of a request: the text that -output-curl-string or -output-policy asked for. */
export class RequestPrinted extends Error {
  override readonly name = "RequestPrinted";
  constructor(readonly text: string) {
    super("the request was printed instead of sent");
  }
}

/** No node answered: refused, timed out, wrong certificate, wrong address. */
export class TransportError extends Error {
  override readonly name = "TransportError";
}

/** A node answered with a status of 400 or more. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    readonly errors: readonly string[],
    readonly request: { method: string; url: string; namespace: string },
    readonly warnings: readonly string[] = [],
    /** The body where it was not JSON, shortened. */
    readonly raw?: string,
  ) {
    super(describe(status, errors, request, raw));
  }
}

function describe(
  status: number,
  errors: readonly string[],
  request: { method: string; url: string; namespace: string },
  raw: string | undefined,
): string {
  const lines = ["the server refused the request.", ""];
  if (request.namespace !== "") lines.push(`Namespace: ${request.namespace}`);
  lines.push(`URL: ${request.method} ${request.url}`);
  if (raw !== undefined) {
    lines.push(`Code: ${status}. Raw Message:`, "", raw === "" ? "(empty body)" : raw);
  } else {
    lines.push(`Code: ${status}. Errors:`, "", ...errors.map((text) => `* ${text}`));
  }
  return lines.join("\n").trimEnd();
}
