/**
 * Reads an archive in the very form in which `write.ts` makes it: gzip's stored blocks, and plain tar
 * headers. All goes through one buffer that is used again: chunks of their own for every layer are
 * garbage, of which up to 64 MiB gather before any of it is collected.
 */
import { crc32 } from "node:zlib";
import { type Bytes, fromUtf8 } from "../base/bytes.ts";
import type { ReadInto } from "./entry_codec.ts";
import { MAX_MEMBER_BYTES, type Members, type PullState } from "./members.ts";
import { gzipHeader } from "./stored_gzip.ts";

/** The archive is laid out otherwise, or damaged: for a reader that knows all forms to say. */
export class OtherFormError extends Error {
  override name = "OtherFormError";
}

const BUFFER_BYTES = 256 * 1024;
const BLOCK_HEADER_BYTES = 5;
const TRAILER_BYTES = 8;
const TAR_BYTES = 512;

/** Unpacks an archive, of which `takeState` reads the state to its end. Throws `OtherFormError`. */
export async function unpackPlain(
  read: ReadInto,
  takeState: (pull: PullState) => Promise<void>,
): Promise<Members> {
  const content = new StoredContent(read);
  const small = new Map<string, Bytes>();
  let hasState = false;
  for (;;) {
    const header = await content.exactly(TAR_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const { name, size } = parseHeader(header);
    let left = size;
    const pull = async () => {
      const part = left === 0 ? undefined : await content.next(left);
      left -= part?.length ?? 0;
      if (left > 0 && part === undefined) throw new OtherFormError("the archive ends early");
      return part;
    };
    if (name === "state.bin") {
      if (hasState) throw new OtherFormError("it has two of state.bin");
      hasState = true;
      await takeState(pull);
      while (await pull() !== undefined);
    } else if (size > MAX_MEMBER_BYTES) throw new OtherFormError(`${name} is large`);
    else small.set(name, await content.exactly(size));
    if (size % TAR_BYTES > 0) await content.exactly(TAR_BYTES - size % TAR_BYTES);
  }
  while (await content.next(BUFFER_BYTES) !== undefined);
  return { small, hasState, fileBytes: content.fileBytes };
}

/** A number in octal, as far as it can be told from its text. */
function octal(field: Uint8Array): number {
  const text = fromUtf8(field).replace(/[\0 ]+$/, "").trim();
  if (!/^[0-7]+$/.test(text)) throw new OtherFormError("a number is not octal");
  return parseInt(text, 8);
}

/** What a header says, where that is all that is in it. */
function parseHeader(header: Bytes): { readonly name: string; readonly size: number } {
  let sum = 0;
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 0x20 : byte;
  if (octal(header.subarray(148, 156)) !== sum) throw new OtherFormError("a header is damaged");
  const type = header[156];
  const prefix = header[345];
  // Of 8 GiB or more the size is a binary number.
  if ((type !== 0x30 && type !== 0) || prefix !== 0 || (header[124] ?? 0) >= 0x80) {
    throw new OtherFormError("a header is of another kind");
  }
  const nameField = header.subarray(0, 100);
  const end = nameField.indexOf(0);
  const name = fromUtf8(end < 0 ? nameField : nameField.subarray(0, end));
  return { name, size: octal(header.subarray(124, 136)) };
}

/** What is in stored blocks of gzip, proved at the end by its checksum. */
class StoredContent {
  readonly #read: ReadInto;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #at = 0;
  #end = 0;
  /** Bytes that the block has left. */
  #left = 0;
  #isLast = false;
  #hasBegun = false;
  #isOver = false;
  #crc = 0;
  #length = 0;
  fileBytes = 0;

  constructor(read: ReadInto) {
    this.#read = read;
  }

  /** At most so many bytes, which stay as they are until the next call; undefined at the end. */
  async next(most: number): Promise<Bytes | undefined> {
    if (!this.#hasBegun) await this.#begin();
    while (this.#left === 0 && !this.#isOver) {
      if (this.#isLast) await this.#finish();
      else await this.#beginBlock();
    }
    if (this.#isOver) return undefined;
    const part = await this.#raw(Math.min(most, this.#left));
    this.#left -= part.length;
    this.#length += part.length;
    this.#crc = crc32(part, this.#crc);
    return part;
  }

  /** Exactly so many bytes, a copy. */
  async exactly(count: number): Promise<Bytes> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const part = await this.next(count - at);
      if (part === undefined) throw new OtherFormError("the archive ends early");
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true;
    const header = await this.#rawExactly(gzipHeader.length);
    if (header.some((byte, i) => byte !== gzipHeader[i])) {
      throw new OtherFormError("this gzip header is another");
    }
  }

  async #beginBlock(): Promise<void> {
    const [kind = 0, a = 0, b = 0, c = 0, d = 0] = await this.#rawExactly(BLOCK_HEADER_BYTES);
    const length = a | (b << 8);
    if (kind > 1 || (length ^ (c | (d << 8))) !== 0xffff) {
      throw new OtherFormError("a block is not stored");
    }
    this.#isLast = kind === 1;
    this.#left = length;
  }

  async #finish(): Promise<void> {
    const view = new DataView((await this.#rawExactly(TRAILER_BYTES)).buffer);
    const isWhole = view.getUint32(0, true) === this.#crc &&
      view.getUint32(4, true) === this.#length % 2 ** 32;
    if (!isWhole || await this.#fill()) throw new OtherFormError("the checksum is another");
    this.#isOver = true;
  }

  async #rawExactly(count: number): Promise<Bytes> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const part = await this.#raw(count - at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async #raw(most: number): Promise<Bytes> {
    if (!await this.#fill()) throw new OtherFormError("the archive ends early");
    const part = this.#buffer.subarray(this.#at, Math.min(this.#end, this.#at + most));
    this.#at += part.length;
    return part;
  }

  /** Whether there is anything left to read. */
  async #fill(): Promise<boolean> {
    if (this.#at < this.#end) return true;
    const count = await this.#read(this.#buffer);
    this.#at = 0;
    this.#end = count ?? 0;
    this.fileBytes += this.#end;
    return this.#end > 0;
  }
}
