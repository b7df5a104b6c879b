/** The envelope of an answer, as this API has it for nearly everything. */
import {
  asList,
  asNumber,
  asObject,
  asText,
  isObject,
  type Json,
  type JsonObject,
  sortKeys,
} from "../json.ts";

export interface Secret {
  readonly requestId: string;
  readonly leaseId: string;
  /** Seconds. */
  readonly leaseDuration: number;
  readonly renewable: boolean;
  readonly data: JsonObject | undefined;
  readonly warnings: readonly string[];
  readonly auth: JsonObject | undefined;
  readonly wrapInfo: JsonObject | undefined;
}

/** Reads an envelope; undefined where the body is no object. */
export function toSecret(body: Json | undefined): Secret | undefined {
  if (!isObject(body)) return undefined;
  return {
    requestId: asText(body.request_id),
    leaseId: asText(body.lease_id),
    leaseDuration: asNumber(body.lease_duration),
    renewable: body.renewable === true,
    data: isObject(body.data) ? body.data : undefined,
    warnings: asList(body.warnings).filter((item) => typeof item === "string"),
    auth: isObject(body.auth) ? body.auth : undefined,
    wrapInfo: isObject(body.wrap_info) ? body.wrap_info : undefined,
  };
}

/** A secret with nothing in it, to build others from. */
export const emptySecret: Secret = {
  requestId: "",
  leaseId: "",
  leaseDuration: 0,
  renewable: false,
  data: undefined,
  warnings: [],
  auth: undefined,
  wrapInfo: undefined,
};

/** The form for -format=json and yaml: fields in the API's order, data sorted by key. */
export function secretJson(secret: Secret): JsonObject {
  return {
    request_id: secret.requestId,
    lease_id: secret.leaseId,
    lease_duration: secret.leaseDuration,
    renewable: secret.renewable,
    data: secret.data === undefined ? null : sortKeys(secret.data),
    warnings: secret.warnings.length === 0 ? null : secret.warnings,
    ...(secret.auth === undefined ? {} : { auth: authJson(secret.auth) }),
    ...(secret.wrapInfo === undefined ? {} : { wrap_info: wrapInfoJson(secret.wrapInfo) }),
  };
}

function authJson(auth: JsonObject): JsonObject {
  return {
    client_token: auth.client_token ?? "",
    accessor: auth.accessor ?? "",
    policies: auth.policies ?? null,
    token_policies: auth.token_policies ?? null,
    identity_policies: auth.identity_policies ?? null,
    metadata: auth.metadata ?? null,
    orphan: auth.orphan ?? false,
    entity_id: auth.entity_id ?? "",
    lease_duration: auth.lease_duration ?? 0,
    renewable: auth.renewable ?? false,
    mfa_requirement: auth.mfa_requirement ?? null,
  };
}

function wrapInfoJson(info: JsonObject): JsonObject {
  return {
    token: info.token ?? "",
    accessor: info.accessor ?? "",
    ttl: info.ttl ?? 0,
    creation_time: info.creation_time ?? "",
    creation_path: info.creation_path ?? "",
    wrapped_accessor: info.wrapped_accessor ?? "",
  };
}

/** The token an answer carries: of a login, or of a wrapped one; "" when there is none. */
export function tokenOf(secret: Secret): string {
  return asText(asObject(secret.auth).client_token);
}
