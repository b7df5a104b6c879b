/** What a backend answers; `http/` turns it into a status, headers and the usual envelope. */
import type { Auth } from "./auth.ts";
import type { JsonObject } from "./json.ts";

/** A dynamic secret that must be taken back; makes the core register a lease. */
export interface LeasedSecret {
  /** Seconds; 0 takes the mount's default. */
  readonly ttlSeconds: number;
  /** Seconds; 0 takes the mount's maximum. */
  readonly maxTtlSeconds: number;
  readonly renewable: boolean;
  /** What the backend needs to renew or revoke; never shown. */
  readonly internalData: JsonObject;
}

export interface WrapInfo {
  readonly token: string;
  readonly accessor: string;
  readonly ttlSeconds: number;
  /** RFC 3339. */
  readonly creationTime: string;
  readonly creationPath: string;
  /** The accessor of the token inside, when what was wrapped was a login. */
  readonly wrappedAccessor?: string;
  readonly wrappedEntityId?: string;
}

/** An answer that is not the envelope: text, a file, another status. */
export interface RawResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LogicalResponse {
  data?: JsonObject;
  auth?: Auth;
  secret?: LeasedSecret;
  /** Set by the core when it registered a lease. */
  lease?: { id: string; durationSeconds: number; renewable: boolean };
  wrapInfo?: WrapInfo;
  warnings?: string[];
  /** Answers with these fields at the top level, as many sys paths do for old clients too. */
  topLevel?: JsonObject;
  /** Status other than 200 (or 204 for an empty answer), e.g. 202 or 404 with data. */
  status?: number;
  raw?: RawResponse;
}

/** An answer with warnings, or without when there are none. */
export function withWarnings(
  response: LogicalResponse,
  warnings: readonly string[],
): LogicalResponse {
  if (warnings.length > 0) response.warnings = [...(response.warnings ?? []), ...warnings];
  return response;
}
