/** What every kind of listener can do, whatever carries its HTTP. */
import { describeError } from "../base/failure.ts";
import type { Connection } from "../logical/request.ts";
import type { TlsPair } from "./tls_files.ts";

/** What answers the requests of a listener. */
export interface Answerer {
  handle(request: Request, connection: Connection): Promise<Response>;
}

export interface HttpListener {
  /** `127.0.0.1:8200`, or the path of a unix socket; with the real port where 0 was configured. */
  readonly address: string;
  /** New connections see another certificate; those there are end as they would have. */
  replaceTls(pair: TlsPair): Promise<void>;
  /**
   * Takes no more connections and lets requests under way end; cuts what is left after `graceMs`.
   * Resolves when nothing of it is left.
   */
  stop(graceMs: number): Promise<void>;
}

/** The address can't be listened on; the message names it. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** What the runtime says, in one sentence that names the address. */
export function explainListenError(address: string, cause: unknown): ListenError {
  if (cause instanceof ListenError) return cause;
  const said = describeError(cause);
  if (cause instanceof Deno.errors.AddrInUse || said.includes("EADDRINUSE")) {
    return new ListenError(`can't listen on ${address}: it is in use by another process`, {
      cause,
    });
  }
  return new ListenError(`can't listen on ${address}: ${said.replace(/ \(os error \d+\)/, "")}`, {
    cause,
  });
}
