/** What this method asks of the network; the server brings it. */
import type { JsonValue } from "../../logical/json.ts";

/** Reads a JSON document; `caPem` is "" for the system's authorities. Rejects with a Failure. */
export type FetchDocument = (url: string, caPem: string) => Promise<JsonValue>;

/** A request to an endpoint of a provider. It may carry secrets: it never follows a redirect. */
export interface ProviderRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** "" for none. */
  readonly body: string;
}

/** Whatever the provider said, also where its status is an error. */
export interface ProviderAnswer {
  readonly status: number;
  readonly text: string;
}

/** Rejects with a Failure where nobody answers; `caPem` as above. */
export type CallProvider = (request: ProviderRequest, caPem: string) => Promise<ProviderAnswer>;

export interface Network {
  readonly fetchDocument: FetchDocument;
  readonly callProvider: CallProvider;
}
