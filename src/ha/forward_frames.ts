/** What standby and active node say to each other about requests; many share a connection. */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";

/** Each payload starts with the u32 number of its request, echoes excepted. */
export const ForwardKind = {
  /** JSON `RequestHead`; standby to active. */
  request: 1,
  body: 2,
  bodyEnd: 3,
  /** JSON `AnswerHead`; active to standby. */
  answer: 4,
  answerBody: 5,
  answerEnd: 6,
  /** Nothing was done with the request: this node is not active. */
  notActive: 7,
  /** The client has gone. */
  cancel: 8,
  /** JSON `Echo`: who is there. */
  echo: 9,
} as const;

/** Bytes of a body go in pieces, so that none holds up the others. */
export const PIECE_BYTES = 64 * 1024;

export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** DER in base64. */
  readonly certificates: readonly string[];
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly hasBody: boolean;
  /**
   * How long the body is, where all of it follows at once. Earlier versions neither say so nor look
   * for it, and pass every body on as it comes.
   */
  readonly bodyBytes?: number;
}

export interface Echo {
  readonly id: string;
  readonly hostname: string;
  readonly api: string;
  readonly cluster: string;
  readonly version: string;
  /** Milliseconds since the epoch, on the standby's clock. */
  readonly now: number;
}

export function numbered(stream: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, stream);
  return bytes;
}

export function streamOf(payload: Bytes): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0);
}

export function restOf(payload: Bytes): Bytes {
  return payload.subarray(4);
}

export function json(value: RequestHead | AnswerHead | Echo): Bytes {
  return utf8(JSON.stringify(value));
}

function fieldsOf(bytes: Uint8Array): ReadonlyMap<string, unknown> {
  const parsed: unknown = JSON.parse(fromUtf8(bytes));
  return new Map(Object.entries(Object(parsed)));
}

function text(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name);
  if (typeof value !== "string") throw new TypeError(name);
  return value;
}

function number(fields: ReadonlyMap<string, unknown>, name: string): number {
  const value = fields.get(name);
  if (typeof value !== "number") throw new TypeError(name);
  return value;
}

function pairs(fields: ReadonlyMap<string, unknown>, name: string): [string, string][] {
  const value = fields.get(name);
  if (!Array.isArray(value)) throw new TypeError(name);
  return value.map((pair: unknown): [string, string] => {
    const [key, content]: unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof key !== "string" || typeof content !== "string") throw new TypeError(name);
    return [key, content];
  });
}

/** Throws where the bytes are none. */
export function readRequestHead(bytes: Uint8Array): RequestHead {
  const fields = fieldsOf(bytes);
  const certificates = fields.get("certificates");
  if (!Array.isArray(certificates)) throw new TypeError("certificates");
  return {
    method: text(fields, "method"),
    target: text(fields, "target"),
    headers: pairs(fields, "headers"),
    remoteAddress: text(fields, "remoteAddress"),
    remotePort: number(fields, "remotePort"),
    certificates: certificates.map(String),
  };
}

/** Throws where the bytes are none. */
export function readAnswerHead(bytes: Uint8Array): AnswerHead {
  const fields = fieldsOf(bytes);
  return {
    status: number(fields, "status"),
    headers: pairs(fields, "headers"),
    hasBody: fields.get("hasBody") === true,
    ...(fields.has("bodyBytes") ? { bodyBytes: number(fields, "bodyBytes") } : {}),
  };
}

/** Throws where the bytes are none. */
export function readEcho(bytes: Uint8Array): Echo {
  const fields = fieldsOf(bytes);
  return {
    id: text(fields, "id"),
    hostname: text(fields, "hostname"),
    api: text(fields, "api"),
    cluster: text(fields, "cluster"),
    version: text(fields, "version"),
    now: number(fields, "now"),
  };
}
