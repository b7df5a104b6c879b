/** A state on its way: a head, chunks of entries, and how many there were. */
import { type Bytes, concat, fromHex, fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import { StorageError } from "../errors.ts";
import { refuseNewer, UnknownFormatError } from "../formats.ts";
import type { StoredEntry } from "../state.ts";
import type { StateHead } from "../transport.ts";
import { number, object, text } from "./message_codec.ts";

/** Entries are gathered up to so many bytes. */
/** Of the head and of the chunks that follow it. */
const VERSION = 1;
const CHUNK_BYTES = 256 * 1024;

export function encodeHead(head: StateHead): Bytes {
  const { at, hash } = head;
  const link = { ...at, sum: toHex(at.sum) };
  return utf8(JSON.stringify({ ...head, format: VERSION, at: link, hash: toHex(hash) }));
}

/** Throws `StorageError`, as `UnknownFormatError` where a later version sent it. */
export function decodeHead(payload: Bytes): StateHead {
  try {
    const head: unknown = JSON.parse(fromUtf8(payload));
    const fields = object(head), link = object(fields["at"]);
    refuseNewer(`the state that ${text(fields, "from")} sends`, fields["format"], VERSION);
    const sum = fromHex(text(link, "sum")), hash = fromHex(text(fields, "hash"));
    if (sum === undefined || hash === undefined) throw new TypeError("hash");
    return {
      from: text(fields, "from"),
      term: number(fields, "term"),
      at: {
        index: number(link, "index"),
        term: number(link, "term"),
        termStart: number(link, "termStart"),
        sum,
      },
      configuration: text(fields, "configuration"),
      hash,
      ...(fields["staged"] === undefined ? {} : { staged: text(fields, "staged") }),
    };
  } catch (cause) {
    if (cause instanceof UnknownFormatError) throw cause;
    throw new StorageError("a peer sent something that is no state", { cause });
  }
}

/** u16 bytes of key, u32 bytes of value, key, value; again and again. */
export async function* encodeChunks(
  entries: AsyncIterable<StoredEntry>,
): AsyncGenerator<Bytes> {
  let parts: Uint8Array[] = [], bytes = 0;
  for await (const { key, value } of entries) {
    const name = utf8(key);
    const head = new Uint8Array(6);
    const view = new DataView(head.buffer);
    view.setUint16(0, name.length);
    view.setUint32(2, value.length);
    parts.push(head, name, value);
    bytes += 6 + name.length + value.length;
    if (bytes < CHUNK_BYTES) continue;
    yield concat(...parts);
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) yield concat(...parts);
}

/** Throws `StorageError`. */
export function decodeChunk(chunk: Bytes): StoredEntry[] {
  const entries: StoredEntry[] = [];
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let at = 0;
  while (at < chunk.length) {
    const keyEnd = at + 6 + (at + 6 <= chunk.length ? view.getUint16(at) : Infinity);
    const end = keyEnd <= chunk.length ? keyEnd + view.getUint32(at + 2) : Infinity;
    if (end > chunk.length) throw new StorageError("a chunk of a state is cut short");
    entries.push({
      key: fromUtf8(chunk.subarray(at + 6, keyEnd)),
      value: chunk.slice(keyEnd, end),
    });
    at = end;
  }
  return entries;
}
