/**
 * One request or answer as a line of JSON, with the names that log pipelines know. What repeats is
 * made once: the part of a token is kept with the token, and the two lines of a request share its
 * part.
 */
import { version } from "../base/version.ts";
import { rfc3339 } from "../logical/envelope.ts";
import { isJsonObject, type JsonObject, parseJson } from "../logical/json.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { PolicyResults } from "../policy/granting.ts";
import type { TokenEntry } from "../token/entry.ts";
import { certificateSerial } from "./certificate_serial.ts";
import type { ValueHasher } from "./hasher.ts";
import { jsonxText } from "./jsonx.ts";
import type { DeviceSettings } from "./options.ts";
import type { AuditedAnswer, AuditedMount, AuditedRequest } from "./record.ts";

/** What a device was told to do with values. */
export type FormatOptions = Pick<
  DeviceSettings,
  "format" | "hmacAccessor" | "logRaw" | "elideListResponses" | "exclude"
>;

/** Which request headers to record, by lower-case name, and whether hashed. */
export type AuditedHeaders = () => Readonly<Record<string, { readonly hmac: boolean }>>;

const builtinVersion = `v${version}+builtin.holdfast`;

/** JSON texts. */
interface Parts {
  readonly auth: string;
  readonly request: string;
}

interface TokenPart {
  readonly clientToken: string;
  readonly identityPolicies: readonly string[];
  readonly text: string;
}

const none: readonly string[] = [];

/** Builds entries for one device. */
export class Formatter {
  readonly #parts = new WeakMap<AuditedRequest, Parts>();
  readonly #tokens = new WeakMap<TokenEntry, TokenPart>();

  constructor(
    readonly hasher: ValueHasher,
    readonly options: FormatOptions,
    readonly auditedHeaders: AuditedHeaders = () => ({}),
  ) {}

  request(record: AuditedRequest, error?: string): string {
    return this.#entry(record.time, "request", this.#partsOf(record), "", error);
  }

  response(record: AuditedRequest, { response, error }: AuditedAnswer, now: number): string {
    const answer = JSON.stringify(this.#response(record, response));
    return this.#entry(now, "response", this.#partsOf(record), answer, error);
  }

  /** The line that shows that a new device works. */
  test(now: number): string {
    const request = '{"operation":"update","path":"sys/audit/test"}';
    return this.#entry(now, "request", { auth: "{}", request }, "", undefined);
  }

  #entry(
    time: number,
    type: "request" | "response",
    { auth, request }: Parts,
    response: string,
    error: string | undefined,
  ): string {
    const text = `{"time":"${rfc3339(time)}","type":"${type}","auth":${auth},"request":${request}` +
      (response === "" ? "" : `,"response":${response}`) +
      (error === undefined ? "}" : `,"error":${JSON.stringify(error)}}`);
    const { exclude, format } = this.options;
    return exclude === undefined && format === "json" ? text : this.#reshaped(text);
  }

  /** The slower way, for those who want anything but all of it as JSON. */
  #reshaped(text: string): string {
    const entry = parseJson(text);
    if (!isJsonObject(entry)) return text;
    this.options.exclude?.(entry);
    return this.options.format === "jsonx" ? jsonxText(entry) : JSON.stringify(entry);
  }

  #partsOf(record: AuditedRequest): Parts {
    const known = this.#parts.get(record);
    if (known !== undefined) return known;
    const auth = withResults(this.#auth(record), record.policyResults);
    const parts = { auth, request: JSON.stringify(this.#request(record)) };
    this.#parts.set(record, parts);
    return parts;
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

  #auth({ token, request: { clientToken }, identityPolicies = none }: AuditedRequest): string {
    if (token === undefined) return '{"token_type":"default"}';
    const known = this.#tokens.get(token);
    if (known?.clientToken === clientToken && known.identityPolicies === identityPolicies) {
      return known.text;
    }
    const text = JSON.stringify(this.#token(token, clientToken, identityPolicies));
    this.#tokens.set(token, { clientToken, identityPolicies, text });
    return text;
  }

  #token(token: TokenEntry, clientToken: string, identityPolicies: readonly string[]): JsonObject {
    return {
      client_token: this.#secret(clientToken),
      accessor: this.#accessor(token.accessor),
      display_name: token.displayName,
      policies: allPolicies(token.policies, identityPolicies),
      token_policies: [...token.policies],
      identity_policies: listOrNothing(identityPolicies),
      metadata: token.meta === null ? undefined : { ...token.meta },
      entity_id: textOrNothing(token.entityId),
      token_type: token.type,
      token_issue_time: rfc3339(token.creationTime),
      token_ttl: token.ttl || undefined,
      num_uses: token.numUses || undefined,
    };
  }

  #request({ request, token, mount }: AuditedRequest): JsonObject {
    const { connection, namespace: { id, path } } = request;
    const leaf = connection.peerCertificates?.[0];
    const hasData = Object.keys(request.data).length > 0;
    const secret = request.clientToken === "" ? undefined : this.#secret(request.clientToken);
    return {
      id: request.id,
      client_id: token && (token.entityId || token.id),
      operation: request.operation,
      mount_point: mount?.path,
      mount_type: mount?.type,
      mount_accessor: mount?.accessor,
      mount_running_version: mount && builtinVersion,
      mount_class: mount?.class,
      client_token: secret,
      client_token_accessor: token && this.#accessor(token.accessor),
      namespace: { id, path: textOrNothing(path) },
      path: request.path,
      data: hasData ? this.#data(request.data, mount?.nonHmacRequestKeys ?? none) : undefined,
      headers: this.#headers(request),
      remote_address: connection.remoteAddress,
      remote_port: connection.remotePort,
      client_certificate_serial_number: leaf && certificateSerial(leaf),
      wrap_ttl: request.wrap?.ttlSeconds,
      snapshot_id: request.snapshot?.id,
      recover_source_path: request.snapshot?.sourcePath,
    };
  }

  #headers(request: AuditedRequest["request"]): JsonObject | undefined {
    const headers: JsonObject = {};
    for (const [name, { hmac }] of Object.entries(this.auditedHeaders())) {
      const value = request.headers.get(name);
      if (value !== null) headers[name] = [hmac ? this.#secret(value) : value];
    }
    return Object.keys(headers).length === 0 ? undefined : headers;
  }

  #response({ mount, request }: AuditedRequest, response?: LogicalResponse): JsonObject {
    const isList = request.operation === "list" || request.operation === "scan";
    return {
      mount_point: mount?.path,
      mount_type: mount?.type,
      mount_accessor: mount?.accessor,
      mount_running_plugin_version: mount && builtinVersion,
      mount_class: mount?.class,
      auth: response?.auth && this.#login(response.auth),
      secret: response?.lease && { lease_id: textOrNothing(response.lease.id) },
      data: response && this.#responseData(response, mount, isList),
      wrap_info: response?.wrapInfo && this.#wrapInfo(response.wrapInfo),
      warnings: response?.warnings,
    };
  }

  #login(auth: NonNullable<LogicalResponse["auth"]>): JsonObject {
    return {
      client_token: this.#secret(auth.clientToken),
      accessor: this.#accessor(auth.accessor),
      display_name: auth.displayName,
      policies: allPolicies(auth.tokenPolicies, auth.identityPolicies),
      token_policies: [...auth.tokenPolicies],
      identity_policies: listOrNothing(auth.identityPolicies),
      entity_id: textOrNothing(auth.entityId),
      token_type: auth.tokenType,
      token_ttl: auth.leaseDurationSeconds,
    };
  }

  #responseData(
    { data }: LogicalResponse,
    mount: AuditedMount | undefined,
    isList: boolean,
  ): JsonObject | undefined {
    if (data === undefined) return undefined;
    const shown = this.options.elideListResponses && isList ? elided(data) : data;
    return this.#data(shown, mount?.nonHmacResponseKeys ?? none);
  }

  #wrapInfo(info: NonNullable<LogicalResponse["wrapInfo"]>): JsonObject {
    const { token, accessor, ttlSeconds, creationTime, creationPath, wrappedAccessor } = info;
    return {
      ttl: ttlSeconds,
      token: this.#secret(token),
      accessor: this.#accessor(accessor),
      creation_time: creationTime,
      creation_path: creationPath,
      wrapped_accessor: wrappedAccessor === undefined ? undefined : this.#accessor(wrappedAccessor),
    };
  }
}

/** Texts of results that come again and again: of a rule and an operation they are one value. */
const resultTexts = new WeakMap<PolicyResults, string>();

/** `auth` is a JSON object with at least one member. */
function withResults(auth: string, results: PolicyResults | undefined): string {
  if (results === undefined) return auth;
  let text = resultTexts.get(results);
  if (text === undefined) resultTexts.set(results, text = resultsText(results));
  return `${auth.slice(0, -1)},"policy_results":${text}}`;
}

function resultsText({ allowed, granting }: PolicyResults): string {
  const policies = granting.map((name) => ({ name, namespace_id: "root", type: "acl" }));
  return JSON.stringify({
    allowed,
    granting_policies: policies.length === 0 ? undefined : policies,
  });
}

function allPolicies(own: readonly string[], ofIdentity: readonly string[]): string[] {
  return ofIdentity.length === 0 ? [...own] : [...new Set([...own, ...ofIdentity])].sort();
}

/** Members that are undefined are left out of the text. */
function listOrNothing(names: readonly string[]): string[] | undefined {
  return names.length === 0 ? undefined : [...names];
}

function textOrNothing(text: string): string | undefined {
  return text === "" ? undefined : text;
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
