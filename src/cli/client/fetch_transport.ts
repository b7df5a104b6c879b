/** The usual way to a node: Deno's fetch, which is there without loading anything. */
import { describeError } from "../../base/failure.ts";
import { TransportError } from "../errors.ts";
import type { Certificates } from "./certificates.ts";
import { emptyBody, type Transport, type WireRequest, type WireResponse } from "./transport.ts";

export interface FetchOptions {
  /** Given for https. */
  readonly certificates?: Certificates;
  /** Address of an HTTP proxy; "" for none. */
  readonly proxy: string;
}

/** Plain http, and https where the platform's own checks are wanted. */
export function fetchTransport(options: FetchOptions): Transport {
  const client = httpClient(options);
  return {
    async send(request: WireRequest): Promise<WireResponse> {
      const response = await fetchOnce(request, client);
      return {
        status: response.status,
        headers: response.headers,
        body: response.body ?? emptyBody(),
      };
    },
    close: () => client?.close(),
  };
}

function httpClient(options: FetchOptions): Deno.HttpClient | undefined {
  const { certificates, proxy } = options;
  if (certificates === undefined && proxy === "") return undefined;
  return Deno.createHttpClient({
    caCerts: [...certificates?.authorities ?? []],
    ...(certificates?.identity === undefined
      ? {}
      : { cert: certificates.identity.certificate, key: certificates.identity.key }),
    ...(proxy === "" ? {} : { proxy: { url: proxy } }),
  });
}

async function fetchOnce(
  request: WireRequest,
  client: Deno.HttpClient | undefined,
): Promise<Response> {
  try {
    return await fetch(request.url, {
      method: request.method,
      headers: request.headers.map(([name, value]): [string, string] => [name, value]),
      redirect: "manual",
      ...(request.body === undefined ? {} : { body: await request.body() }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...(client === undefined ? {} : { client }),
    });
  } catch (error) {
    throw new TransportError(reason(error), { cause: error });
  }
}

/** The innermost sentence: fetch wraps "Connection refused" in three others. */
function reason(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return reason(cause);
  const text = describeError(error);
  return text.replace(/^error sending request (from \S+ )?for url \([^)]*\)( \([^)]*\))?: /, "");
}
