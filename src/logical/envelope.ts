/** The usual body of an answer: the same keys for every path, whatever it is that came back. */
import type { Auth } from "./auth.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { LogicalResponse, WrapInfo } from "./response.ts";

/** The answer as clients see it. */
export function envelope(requestId: string, response: LogicalResponse): JsonObject {
  const lease = response.lease;
  return {
    ...response.topLevel,
    // A wrapped answer tells nothing of the request that made it.
    request_id: response.wrapInfo === undefined ? requestId : "",
    lease_id: lease?.id ?? "",
    renewable: lease?.renewable ?? false,
    lease_duration: lease?.durationSeconds ?? 0,
    data: response.data ?? null,
    wrap_info: response.wrapInfo === undefined ? null : wrapInfoBody(response.wrapInfo),
    warnings: response.warnings ?? null,
    auth: response.auth === undefined ? null : authBody(response.auth),
  };
}

export function wrapInfoBody(wrap: WrapInfo): JsonObject {
  return {
    token: wrap.token,
    accessor: wrap.accessor,
    ttl: wrap.ttlSeconds,
    creation_time: wrap.creationTime,
    creation_path: wrap.creationPath,
    ...(wrap.wrappedAccessor === undefined ? {} : { wrapped_accessor: wrap.wrappedAccessor }),
  };
}

export function authBody(auth: Auth): JsonObject {
  const all = [...new Set([...auth.tokenPolicies, ...auth.identityPolicies])].sort();
  const metadata: JsonValue = auth.metadata === null ? null : { ...auth.metadata };
  return {
    client_token: auth.clientToken,
    accessor: auth.accessor,
    policies: all,
    token_policies: [...auth.tokenPolicies],
    ...(auth.identityPolicies.length === 0
      ? {}
      : { identity_policies: [...auth.identityPolicies] }),
    metadata,
    lease_duration: auth.leaseDurationSeconds,
    renewable: auth.renewable,
    entity_id: auth.entityId,
    token_type: auth.tokenType,
    orphan: auth.orphan,
    mfa_requirement: null,
    num_uses: auth.numUses,
  };
}

/** RFC 3339 in UTC with milliseconds. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
