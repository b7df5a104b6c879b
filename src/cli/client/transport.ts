/** One HTTP exchange, whichever way it is carried. */
import type { Bytes } from "../../base/bytes.ts";

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Opened anew for every attempt, so that a redirect or a retry can send it again. */
  readonly body?: () => Promise<WireBody> | WireBody;
  readonly signal?: AbortSignal;
}

export type WireBody = string | Bytes | ReadableStream<Bytes>;

export interface WireResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
}

/** Sends one request; redirects are not followed. Throws TransportError when nobody answers. */
export interface Transport {
  send(request: WireRequest): Promise<WireResponse>;
  /** Lets go of connections so that the process can end. */
  close(): void;
}

/** An empty body, for answers that have none. */
export function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
