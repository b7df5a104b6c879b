/**
 * Entries in `state.bin`: each a protobuf message { key = 1: string, value = 2: bytes } behind its
 * length as a varint, as other tools for such snapshots read them.
 */
import { type Bytes, concat, fromUtf8, utf8 } from "../base/bytes.ts";
import type { Entry } from "../storage/storage.ts";

/** An entry can't be larger than the storage takes: anything more is damage. */
const maxEntryBytes = 64 * 1024 * 1024;

/** Bytes of a number as a varint. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) bytes++;
  return bytes;
}

/** Writes a varint and returns where it ends. */
function putVarint(target: Uint8Array, start: number, value: number): number {
  let at = start;
  let left = value;
  while (left >= 0x80) {
    target[at++] = (left % 0x80) | 0x80;
    left = Math.floor(left / 0x80);
  }
  target[at++] = left;
  return at;
}

/** There are hundreds of thousands: each costs its key's bytes and one allocation. */
export function encodeEntry({ key, value }: Entry): Bytes {
  const name = utf8(key);
  const length = 2 + varintBytes(name.length) + name.length + varintBytes(value.length) +
    value.length;
  const out = new Uint8Array(varintBytes(length) + length);
  let at = putVarint(out, 0, length);
  out[at++] = 0x0a;
  at = putVarint(out, at, name.length);
  out.set(name, at);
  at += name.length;
  out[at++] = 0x12;
  at = putVarint(out, at, value.length);
  out.set(value, at);
  return out;
}

/** The bytes are not a sequence of entries. */
export class MalformedStateError extends Error {
  override name = "MalformedStateError";
}

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  varint(): number | undefined {
    let value = 0;
    let scale = 1;
    for (let i = this.at; i < this.bytes.length && i < this.at + 8; i++) {
      const byte = this.bytes[i] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) {
        this.at = i + 1;
        return value;
      }
    }
    return undefined;
  }

  take(length: number): Bytes | undefined {
    if (this.at + length > this.bytes.length) return undefined;
    const part = this.bytes.slice(this.at, this.at + length);
    this.at += length;
    return part;
  }
}

function decodeMessage(message: Bytes): Entry {
  const reader = new Reader(message);
  let key = "";
  let value: Bytes = new Uint8Array(0);
  while (reader.at < message.length) {
    const tag = reader.varint();
    const length = reader.varint();
    const part = length === undefined ? undefined : reader.take(length);
    if (part === undefined) throw new MalformedStateError("an entry is cut short");
    if (tag === 0x0a) key = fromUtf8(part);
    else if (tag === 0x12) value = part;
  }
  if (key === "") throw new MalformedStateError("an entry has no key");
  return { key, value };
}

/** An entry with the place of its first byte in the state, and how many it takes there. */
export interface PlacedEntry extends Entry {
  readonly at: number;
  readonly length: number;
}

/** Decodes the whole entries at the reader, which is left where the first unfinished one begins. */
function* wholeEntries(reader: Reader, base: number): Generator<PlacedEntry> {
  for (;;) {
    const start = reader.at;
    const length = reader.varint();
    if (length !== undefined && length > maxEntryBytes) {
      throw new MalformedStateError("an entry is larger than any can be");
    }
    const message = length === undefined ? undefined : reader.take(length);
    if (message === undefined) {
      reader.at = start;
      return;
    }
    yield { ...decodeMessage(message), at: base + start, length: reader.at - start };
  }
}

/** Reads entries back, however the stream cuts them. Throws `MalformedStateError`. */
export async function* decodeEntries(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<PlacedEntry> {
  let rest: Uint8Array = new Uint8Array(0);
  let base = 0;
  for await (const chunk of stream) {
    const reader = new Reader(rest.length === 0 ? chunk : concat(rest, chunk));
    yield* wholeEntries(reader, base);
    rest = reader.bytes.subarray(reader.at);
    base += reader.at;
  }
  if (rest.length > 0) throw new MalformedStateError("the last entry is cut short");
}

/** Decodes bytes that hold whole entries only. Throws `MalformedStateError`. */
export function decodeBlock(bytes: Uint8Array): Entry[] {
  const reader = new Reader(bytes);
  const entries: Entry[] = [];
  for (const { key, value } of wholeEntries(reader, 0)) entries.push({ key, value });
  if (reader.at < bytes.length) throw new MalformedStateError("the last entry is cut short");
  return entries;
}
