/** HTTP in, core request out. Everything a client can get wrong ends here in a 4xx. */
import { toBase64 } from "../base/bytes.ts";
import { badRequest, Failure } from "../base/failure.ts";
import type { Random } from "../base/clock.ts";
import { parseDuration } from "../config/units.ts";
import { isJsonObject, type JsonLimits, type JsonObject, parseJsonBody } from "../logical/json.ts";
import { rootNamespace } from "../logical/namespace.ts";
import type {
  Connection,
  Operation,
  Request as LogicalRequest,
  SnapshotUse,
} from "../logical/request.ts";
import type { BodyReader } from "./body.ts";

/** What a listener allows. */
export interface RequestLimits {
  readonly body: BodyReader;
  /** Bytes of a token header. */
  readonly maxTokenHeaderSize: number;
  readonly json: JsonLimits;
}

const operations: Readonly<Record<string, Operation>> = {
  GET: "read",
  HEAD: "read",
  POST: "update",
  PUT: "update",
  DELETE: "delete",
  LIST: "list",
  SCAN: "scan",
  PATCH: "patch",
  RECOVER: "recover",
};

const emptyData: JsonObject = Object.freeze({});

/** Paths whose body is not JSON and may be as large as a snapshot. */
const rawBodyPaths = new Set([
  "sys/storage/raft/snapshot",
  "sys/storage/raft/snapshot-force",
  "sys/storage/raft/snapshot-load",
]);

/** Reads one HTTP request. `path` comes after "/v1/", still percent-encoded. */
export async function readRequest(
  http: Request,
  path: string,
  query: string,
  connection: Connection,
  limits: RequestLimits,
  random: Random,
): Promise<LogicalRequest> {
  const asked = operations[http.method];
  if (asked === undefined) throw new Failure(405, []);
  const headers = http.headers;
  const decoded = decodePath(path);
  const parameters = query === "" ? undefined : new URLSearchParams(query);
  const snapshot = snapshotUse(asked, headers, parameters);
  const operation = snapshot !== undefined && asked === "update"
    ? "recover"
    : queryOperation(asked, parameters);
  const raw = rawBodyPaths.has(decoded) && http.method !== "GET";
  const wrap = wrapRequest(headers);
  checkNamespace(headers);
  return {
    id: random.uuid(),
    operation,
    namespace: rootNamespace,
    path: operation === "list" || operation === "scan" ? asFolder(decoded) : decoded,
    data: raw ? emptyData : await readData(http, operation, parameters, limits),
    headers,
    clientToken: clientToken(headers, limits.maxTokenHeaderSize),
    connection,
    method: http.method,
    ...(wrap === undefined ? {} : { wrap }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(raw && http.body !== null ? { body: http.body } : {}),
  };
}

function decodePath(path: string): string {
  if (!path.includes("%")) return path;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch (cause) {
    throw badRequest("the path holds a malformed percent-encoding", cause);
  }
  // deno-lint-ignore no-control-regex -- control characters are just what must not be there
  if (/[\x00-\x1f\x7f]/.test(decoded)) throw badRequest("the path holds unprintable characters");
  // What was hidden in an encoding must not name another path than policies were written for.
  if (/(^|\/)\.\.?(\/|$)/.test(decoded)) throw badRequest("the path holds . or .. segments");
  return decoded;
}

function asFolder(path: string): string {
  return path === "" || path.endsWith("/") ? path : `${path}/`;
}

/** `?list=true`, `?scan=true` and `?help=1` make another operation of a GET. */
function queryOperation(asked: Operation, parameters: URLSearchParams | undefined): Operation {
  if (parameters === undefined || asked !== "read") return asked;
  if (parameters.has("help")) return "help";
  for (const operation of ["list", "scan"] as const) {
    const value = parameters.get(operation);
    if (value === null || value === "") continue;
    if (["1", "t", "T", "true", "TRUE", "True"].includes(value)) return operation;
    if (!["0", "f", "F", "false", "FALSE", "False"].includes(value)) {
      throw new Failure(400, []);
    }
  }
  return asked;
}

/**
 * The loaded snapshot that a request looks into: `read_snapshot_id` of what reads, and of what is
 * recovered `X-Vault-Recover-Snapshot-Id` (formerly `recover_snapshot_id`), for POST and PUT too.
 */
function snapshotUse(
  asked: Operation,
  headers: Headers,
  parameters: URLSearchParams | undefined,
): SnapshotUse | undefined {
  const parameter = asked === "read" || asked === "list" || asked === "scan"
    ? "read_snapshot_id"
    : asked === "update" || asked === "recover"
    ? "recover_snapshot_id"
    : undefined;
  if (parameter === undefined) return undefined;
  const named = parameters?.get(parameter) ?? "";
  parameters?.delete(parameter);
  if (parameter === "read_snapshot_id") return named === "" ? undefined : { id: named };
  const id = headers.get("x-vault-recover-snapshot-id") || named;
  if (id === "" && asked === "recover") {
    throw badRequest("recovering takes the header X-Vault-Recover-Snapshot-Id");
  }
  if (id === "") return undefined;
  const source = headerText(headers, "x-vault-recover-source-path").replace(/^\/+/, "");
  return source === "" ? { id } : { id, sourcePath: source };
}

/** A header's value; headers are bytes, and those of a path are UTF-8. */
function headerText(headers: Headers, name: string): string {
  const value = headers.get(name) ?? "";
  if (!/[\x80-\xff]/.test(value)) return value;
  const bytes = Uint8Array.from(value, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badRequest(`the header ${name} is not UTF-8`, cause);
  }
}

async function readData(
  http: Request,
  operation: Operation,
  parameters: URLSearchParams | undefined,
  limits: RequestLimits,
): Promise<JsonObject> {
  if (operation !== "update" && operation !== "patch") {
    if (parameters === undefined) return emptyData;
    for (const name of ["list", "scan", "help"]) parameters.delete(name);
    return queryData(parameters);
  }
  if (http.body === null) return emptyData;
  const contentType = http.headers.get("content-type") ?? "";
  if (operation === "patch" && !contentType.startsWith("application/merge-patch+json")) {
    const status = contentType === "" ? 400 : 415;
    throw new Failure(status, "PATCH needs the content type application/merge-patch+json");
  }
  if (contentType.startsWith("application/ocsp-request")) {
    return { req: toBase64(await limits.body.readBytes(http)) };
  }
  const text = await limits.body.read(http);
  if (text.trim() === "") return emptyData;
  if (contentType.startsWith("application/x-www-form-urlencoded")) {
    // curl says so of every -d; what looks like an object is one.
    if (!/^\s*\{/.test(text)) return queryData(new URLSearchParams(text));
  }
  return parseJsonBody(text, limits.json);
}

/** A parameter that comes once is a text, one that comes again a list. */
function queryData(parameters: URLSearchParams): JsonObject {
  const data: JsonObject = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    data[name] = values.length === 1 ? values[0] ?? "" : values;
  }
  return data;
}

function clientToken(headers: Headers, limit: number): string {
  let token = headers.get("x-vault-token");
  if (token === null) {
    const authorization = headers.get("authorization");
    token = /^Bearer (.*)$/.exec(authorization ?? "")?.[1] ?? "";
  }
  if (limit > 0 && token.length > limit) throw new Failure(431, "token header is too large");
  return token.trim();
}

function wrapRequest(headers: Headers) {
  const text = headers.get("x-vault-wrap-ttl");
  if (text === null || text === "") return undefined;
  const ttlSeconds = parseDuration(text.trim());
  if (ttlSeconds === undefined) throw badRequest("error parsing X-Vault-Wrap-TTL: not a duration");
  if (ttlSeconds < 0) throw badRequest("requested wrap ttl cannot be negative");
  if (ttlSeconds === 0) return undefined;
  const format = headers.get("x-vault-wrap-format") === "jwt" ? "jwt" as const : "" as const;
  return { ttlSeconds: Math.trunc(ttlSeconds), format };
}

/** Only the root namespace exists so far; any other is not found. */
function checkNamespace(headers: Headers): void {
  const name = headers.get("x-vault-namespace");
  if (name === null) return;
  const trimmed = name.replace(/^\/+|\/+$/g, "");
  if (trimmed !== "" && trimmed !== "root") {
    throw new Failure(404, "the namespace of this request does not exist");
  }
}

/** For handlers that take nested data: an object or nothing. */
export function objectOrEmpty(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
