/** What the pipeline tells the audit devices of each request and each answer. */
import type { LogicalResponse } from "../logical/response.ts";
import type { Request } from "../logical/request.ts";
import type { PolicyResults } from "../policy/granting.ts";
import type { TokenEntry } from "../token/entry.ts";

/** The mount that a request went to, and what it may show of its values. */
export interface AuditedMount {
  readonly path: string;
  readonly type: string;
  readonly class: "secret" | "auth";
  readonly accessor: string;
  readonly nonHmacRequestKeys: readonly string[];
  readonly nonHmacResponseKeys: readonly string[];
}

/** A request as it was when it was recorded; one value for its line and that of its answer. */
export interface AuditedRequest {
  readonly request: Request;
  /** When it came, milliseconds since the epoch. */
  readonly time: number;
  readonly token: TokenEntry | undefined;
  /** Of the token's entity and its groups. */
  readonly identityPolicies?: readonly string[];
  readonly mount: AuditedMount | undefined;
  /** Which policies have decided; absent where none was asked. */
  readonly policyResults?: PolicyResults;
}

export interface AuditedAnswer {
  readonly response: LogicalResponse | undefined;
  /** Why it was refused; undefined where it was not. */
  readonly error: string | undefined;
}

/**
 * Every request and answer goes through here. With devices enabled, a call that none of them could
 * record rejects with a Failure 500 that names them: the request is refused.
 */
export interface Auditor {
  /** False while no device is enabled: then nothing is built to be thrown away. */
  readonly enabled: boolean;
  /** `error` tells why it was refused. */
  logRequest(record: AuditedRequest, error?: string): Promise<void>;
  logResponse(record: AuditedRequest, answer: AuditedAnswer): Promise<void>;
}
