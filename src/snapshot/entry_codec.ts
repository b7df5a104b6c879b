/**
 * Entries in `state.bin`: each a protobuf message { key = 1: string, value = 2: bytes } behind its
 * length as a varint, as other tools for such snapshots read them.
 */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
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

/** Bytes of an entry's message, without its length before it. */
function messageBytes(name: Uint8Array, value: Uint8Array): number {
  return 2 + varintBytes(name.length) + name.length + varintBytes(value.length) + value.length;
}

/**
 * Puts entries one after another into a buffer that is used again: there are hundreds of thousands of
 * small ones, and the large ones are most of a snapshot, so none is copied more than once.
 */
export class EntryPacker {
  #buffer: Bytes;
  #used = 0;

  constructor(bytes: number) {
    this.#buffer = new Uint8Array(bytes);
  }

  /** Takes an entry in. False where it does not fit beside what is there: `take` comes first. */
  add({ key, value }: Entry): boolean {
    const name = utf8(key);
    const message = messageBytes(name, value);
    const length = varintBytes(message) + message;
    if (this.#used + length > this.#buffer.length) {
      if (this.#used > 0) return false;
      this.#buffer = new Uint8Array(length);
    }
    this.#used = put(this.#buffer, this.#used, message, name, value);
    return true;
  }

  /** What was taken in since the last time. It is good until the next entry is added. */
  take(): Bytes {
    const packed = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    return packed;
  }
}

/** Writes an entry and returns where it ends. */
function put(
  target: Uint8Array,
  start: number,
  message: number,
  name: Uint8Array,
  value: Uint8Array,
): number {
  let at = putVarint(target, start, message);
  target[at++] = 0x0a;
  at = putVarint(target, at, name.length);
  target.set(name, at);
  at += name.length;
  target[at++] = 0x12;
  at = putVarint(target, at, value.length);
  target.set(value, at);
  return at + value.length;
}

/** The bytes are not a sequence of entries. */
export class MalformedStateError extends Error {
  override name = "MalformedStateError";
}

class Reader {
  at = 0;
  constructor(readonly bytes: Bytes) {}

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

  /** Not a copy: a large value would be copied once for its message and once for itself. */
  take(length: number): Bytes | undefined {
    if (this.at + length > this.bytes.length) return undefined;
    const part = this.bytes.subarray(this.at, this.at + length);
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

/** Reads into the front of a buffer: how many bytes, or null at the end. */
export type ReadInto = (buffer: Bytes) => Promise<number | null>;

/** Room for several entries of most; it grows for one that needs more. */
const BUFFER_BYTES = 512 * 1024;

/**
 * Reads entries back. A value lies in a buffer that is used again: whoever wants it for longer than
 * until the next entry is asked for makes a copy. Throws `MalformedStateError`.
 */
export async function* decodeEntries(read: ReadInto): AsyncGenerator<PlacedEntry> {
  let buffer: Bytes = new Uint8Array(BUFFER_BYTES);
  let filled = 0;
  let base = 0;
  for (;;) {
    if (filled === buffer.length) {
      const larger = new Uint8Array(buffer.length * 2);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await read(buffer.subarray(filled));
    if (count === null) break;
    filled += count;
    const reader = new Reader(buffer.subarray(0, filled));
    yield* wholeEntries(reader, base);
    base += reader.at;
    buffer.copyWithin(0, reader.at, filled);
    filled -= reader.at;
  }
  if (filled > 0) throw new MalformedStateError("the last entry is cut short");
}

/** Decodes bytes that hold whole entries only, whose values lie in them. Throws `MalformedStateError`. */
export function decodeBlock(bytes: Bytes): Entry[] {
  const reader = new Reader(bytes);
  const entries: Entry[] = [];
  for (const { key, value } of wholeEntries(reader, 0)) entries.push({ key, value });
  if (reader.at < bytes.length) throw new MalformedStateError("the last entry is cut short");
  return entries;
}
