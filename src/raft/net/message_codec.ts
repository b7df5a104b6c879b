/**
 * Messages as bytes: u32 length of a head in JSON, the head, then the payloads of its entries one
 * after another. What does not decode is refused; it came over a proved connection, so it is
 * another version or a mistake.
 */
import { type Bytes, concat, fromUtf8, utf8 } from "../../base/bytes.ts";
import type { Message, MessageBody } from "../consensus/messages.ts";
import { StorageError } from "../errors.ts";
import { refuseNewerBatch } from "../batch_codec.ts";
import { EntryType, entryType, LAST_TYPE, type LogEntry, type Position } from "../log_entry.ts";
import { unknownFormat, UnknownFormatError } from "../formats.ts";

type Fields = Readonly<Record<string, unknown>>;

export function encodeMessage(message: Message): Uint8Array[] {
  if (message.type !== "append") return framed(message, []);
  const { entries, ...rest } = message;
  const heads = entries.map(({ index, term, type, payload }) => {
    return [index, term, type, payload.length];
  });
  return framed({ ...rest, entries: heads }, entries.map(({ payload }) => payload));
}

function framed(head: unknown, payloads: readonly Uint8Array[]): Uint8Array[] {
  const text = utf8(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length);
  return [length, text, ...payloads];
}

/**
 * Throws `StorageError`, as `UnknownFormatError` where it holds an entry of a form that this build
 * does not know: better to stay behind than to have in the log what can't be applied.
 */
export function decodeMessage(bytes: Bytes): Message {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    const head: unknown = JSON.parse(fromUtf8(bytes.subarray(4, 4 + length)));
    const fields = object(head);
    const envelope = { from: text(fields, "from"), to: text(fields, "to") };
    const body = readBody(fields, bytes.subarray(4 + length));
    return { ...envelope, term: number(fields, "term"), ...body };
  } catch (cause) {
    if (cause instanceof UnknownFormatError) throw cause;
    throw new StorageError("a peer sent something that is no message", { cause });
  }
}

function readBody(fields: Fields, payloads: Uint8Array): MessageBody {
  const type = text(fields, "type");
  switch (type) {
    case "vote":
      return {
        type,
        pre: flag(fields, "pre"),
        last: position(fields, "last"),
        transfer: flag(fields, "transfer"),
      };
    case "voteReply":
      return { type, pre: flag(fields, "pre"), granted: flag(fields, "granted") };
    case "append":
      return {
        type,
        previous: position(fields, "previous"),
        entries: readEntries(fields["entries"], payloads),
        commit: number(fields, "commit"),
        attempt: number(fields, "attempt"),
      };
    case "appendReply":
      return {
        type,
        success: flag(fields, "success"),
        match: number(fields, "match"),
        attempt: number(fields, "attempt"),
        hint: position(fields, "hint"),
      };
    case "heartbeat":
      return { type, round: number(fields, "round"), commit: number(fields, "commit") };
    case "heartbeatReply":
      return { type, round: number(fields, "round") };
    case "timeoutNow":
      return { type };
    case "readIndex":
      return { type, context: number(fields, "context") };
    case "readIndexReply":
      return { type, context: number(fields, "context"), index: number(fields, "index") };
    default:
      throw new TypeError(`no message is of type ${type}`);
  }
}

function readEntries(heads: unknown, payloads: Uint8Array): LogEntry[] {
  if (!Array.isArray(heads)) throw new TypeError("entries");
  let at = 0;
  const entries = heads.map((head: unknown): LogEntry => {
    if (!Array.isArray(head)) throw new TypeError("an entry");
    const [index, term, typeByte, length]: unknown[] = head;
    const type = typeof typeByte === "number" ? entryType(typeByte) : undefined;
    if (typeof typeByte === "number" && typeByte > LAST_TYPE) {
      throw unknownFormat(`the type of log entry ${index}`, typeByte, LAST_TYPE);
    }
    if (
      typeof index !== "number" || typeof term !== "number" || type === undefined ||
      typeof length !== "number" || length < 0 || at + length > payloads.length
    ) throw new TypeError("an entry");
    const payload = payloads.subarray(at, at + length);
    if (type === EntryType.changes) refuseNewerBatch(`log entry ${index}`, payload);
    at += length;
    return { index, term, type, payload };
  });
  if (at !== payloads.length) throw new TypeError("more bytes than entries");
  return entries;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What was parsed, as an object. Throws `TypeError`. */
export function object(value: unknown): Fields {
  if (!isObject(value)) throw new TypeError("not an object");
  return value;
}

export function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new TypeError(name);
  return value;
}

export function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw new TypeError(name);
  return value;
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw new TypeError(name);
  return value;
}

function position(fields: Fields, name: string): Position {
  const value = object(fields[name]);
  return { index: number(value, "index"), term: number(value, "term") };
}

/** The bytes of a message in one piece, for tests. */
export function messageBytes(message: Message): Bytes {
  return concat(...encodeMessage(message));
}
