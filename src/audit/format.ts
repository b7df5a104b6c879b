/** One request or answer as a line of JSON, with the names that log pipelines know. */
import { version } from "../base/version.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { ValueHasher } from "./hasher.ts";
import type { AuditedMount, AuditedRequest, AuditedResponse } from "./record.ts";

/** What a device was told to do with values. */
export interface FormatOptions {
  readonly hmacAccessor: boolean;
  /** Nothing is hashed: for tests of log pipelines only. */
  readonly logRaw: boolean;
  /** Lists are logged by their length. */
  readonly elideListResponses: boolean;
}

/** Which request headers to record, by lower-case name, and whether hashed. */
export type AuditedHeaders = () => Readonly<Record<string, { readonly hmac: boolean }>>;

/** Builds entries for one device. */
export class Formatter {
  constructor(
    readonly hasher: ValueHasher,
    readonly options: FormatOptions,
    readonly auditedHeaders: AuditedHeaders = () => ({}),
  ) {}

  request(record: AuditedRequest): JsonObject {
    return {
      time: rfc3339(record.time),
      type: "request",
      auth: this.#auth(record),
      request: this.#request(record),
      ...(record.error === undefined ? {} : { error: record.error }),
    };
  }

  response(record: AuditedResponse, now: number): JsonObject {
    return {
      time: rfc3339(now),
      type: "response",
      auth: this.#auth(record),
      request: this.#request(record),
      response: this.#response(record),
      ...(record.error === undefined ? {} : { error: record.error }),
    };
  }

  #secret(text: string): string {
    return this.options.logRaw || text === "" ? text : this.hasher.hashOften(text);
  }

  #accessor(text: string): string {
    return this.options.hmacAccessor ? this.#secret(text) : text;
  }

  #data(data: JsonObject, plain: readonly string[]): JsonObject {
    return this.options.logRaw ? data : this.hasher.object(data, plain);
  }

  #auth({ token, request, identityPolicies = [] }: AuditedRequest): JsonObject {
    if (token === undefined) return { token_type: "default" };
    return {
      client_token: this.#secret(request.clientToken),
      accessor: this.#accessor(token.accessor),
      display_name: token.displayName,
      policies: allPolicies(token.policies, identityPolicies),
      token_policies: [...token.policies],
      ...identityPart(identityPolicies),
      ...metadataOf(token),
      ...(token.entityId === "" ? {} : { entity_id: token.entityId }),
      token_type: token.type,
      token_issue_time: rfc3339(token.creationTime),
      ...(token.ttl === 0 ? {} : { token_ttl: token.ttl }),
      ...(token.numUses === 0 ? {} : { num_uses: token.numUses }),
    };
  }

  #request({ request, token, mount }: AuditedRequest): JsonObject {
    const { connection } = request;
    const data = Object.keys(request.data).length === 0
      ? {}
      : { data: this.#data(request.data, mount?.nonHmacRequestKeys ?? []) };
    return {
      id: request.id,
      ...(token === undefined ? {} : { client_id: token.entityId || token.id }),
      operation: request.operation,
      ...mountFields(mount, "mount_running_version"),
      ...(request.clientToken === "" ? {} : { client_token: this.#secret(request.clientToken) }),
      ...(token === undefined ? {} : { client_token_accessor: this.#accessor(token.accessor) }),
      namespace: { id: request.namespace.id },
      path: request.path,
      ...data,
      ...this.#headers(request),
      remote_address: connection.remoteAddress,
      remote_port: connection.remotePort,
      ...(request.wrap === undefined ? {} : { wrap_ttl: request.wrap.ttlSeconds }),
    };
  }

  #headers(request: AuditedRequest["request"]): JsonObject {
    const headers: JsonObject = {};
    for (const [name, { hmac }] of Object.entries(this.auditedHeaders())) {
      const value = request.headers.get(name);
      if (value !== null) headers[name] = [hmac ? this.#secret(value) : value];
    }
    return Object.keys(headers).length === 0 ? {} : { headers };
  }

  #response({ response, mount, request }: AuditedResponse): JsonObject {
    const fields = mountFields(mount, "mount_running_plugin_version");
    if (response === undefined) return fields;
    const { auth, lease, warnings } = response;
    const isList = request.operation === "list" || request.operation === "scan";
    return {
      ...fields,
      ...(auth === undefined ? {} : {
        auth: {
          client_token: this.#secret(auth.clientToken),
          accessor: this.#accessor(auth.accessor),
          display_name: auth.displayName,
          policies: allPolicies(auth.tokenPolicies, auth.identityPolicies),
          token_policies: [...auth.tokenPolicies],
          ...identityPart(auth.identityPolicies),
          ...(auth.entityId === "" ? {} : { entity_id: auth.entityId }),
          token_type: auth.tokenType,
          token_ttl: auth.leaseDurationSeconds,
        },
      }),
      ...(lease === undefined ? {} : { secret: lease.id === "" ? {} : { lease_id: lease.id } }),
      ...this.#responseData(response, mount, isList),
      ...this.#wrapInfo(response),
      ...(warnings === undefined ? {} : { warnings }),
    };
  }

  #responseData(
    { data }: LogicalResponse,
    mount: AuditedMount | undefined,
    isList: boolean,
  ): JsonObject {
    if (data === undefined) return {};
    const shown = this.options.elideListResponses && isList ? elided(data) : data;
    return { data: this.#data(shown, mount?.nonHmacResponseKeys ?? []) };
  }

  #wrapInfo({ wrapInfo }: LogicalResponse): JsonObject {
    if (wrapInfo === undefined) return {};
    const { token, accessor, ttlSeconds, creationTime, creationPath, wrappedAccessor } = wrapInfo;
    return {
      wrap_info: {
        ttl: ttlSeconds,
        token: this.#secret(token),
        accessor: this.#accessor(accessor),
        creation_time: creationTime,
        creation_path: creationPath,
        ...(wrappedAccessor === undefined
          ? {}
          : { wrapped_accessor: this.#accessor(wrappedAccessor) }),
      },
    };
  }
}

function allPolicies(own: readonly string[], ofIdentity: readonly string[]): string[] {
  return ofIdentity.length === 0 ? [...own] : [...new Set([...own, ...ofIdentity])].sort();
}

function identityPart(names: readonly string[]): JsonObject {
  return names.length === 0 ? {} : { identity_policies: [...names] };
}

function metadataOf(token: TokenEntry): JsonObject {
  return token.meta === null ? {} : { metadata: { ...token.meta } };
}

function mountFields(mount: AuditedMount | undefined, versionField: string): JsonObject {
  if (mount === undefined) return {};
  return {
    mount_point: mount.path,
    mount_type: mount.type,
    mount_accessor: mount.accessor,
    [versionField]: `v${version}+builtin.holdfast`,
    mount_class: mount.class,
  };
}

/** A list by its length: names may be many, and say little. */
function elided(data: JsonObject): JsonObject {
  const { keys, key_info } = data;
  return {
    ...data,
    ...(Array.isArray(keys) ? { keys: keys.length } : {}),
    ...(typeof key_info === "object" && key_info !== null
      ? { key_info: Object.keys(key_info).length }
      : {}),
  };
}
