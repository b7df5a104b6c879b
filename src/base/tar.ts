/** A tar archive (POSIX ustar) of a few files, the same bytes for the same files. */

export interface ArchiveFile {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

const blockSize = 512;
/** The largest size that eleven octal digits hold. */
const OCTAL_MAX = 0o77777777777;
const encoder = new TextEncoder();

/** All files, owned by root and of 1970, in the order given. */
export function tar(files: readonly ArchiveFile[]): Uint8Array<ArrayBuffer> {
  const size = files.reduce((sum, { content }) => sum + blockSize + padded(content.length), 0);
  const out = new Uint8Array(size + tarEnd.length);
  let at = 0;
  for (const { name, mode, content } of files) {
    out.set(tarHeader({ name, mode, size: content.length, mtime: 0 }), at);
    out.set(content, at + blockSize);
    at += blockSize + padded(content.length);
  }
  return out;
}

/** What comes after the last file. */
export const tarEnd: Uint8Array<ArrayBuffer> = new Uint8Array(2 * blockSize);

/** What comes after a file's content. */
export function tarPadding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(padded(size) - size);
}

function padded(length: number): number {
  return Math.ceil(length / blockSize) * blockSize;
}

export interface ArchiveHeader {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly mode: number;
  /** Bytes of the content. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** What comes before a file's content. */
export function tarHeader({ name, mode, size, mtime }: ArchiveHeader): Uint8Array<ArrayBuffer> {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new Error(`no name for an archive: ${name}`);
  const block = new Uint8Array(blockSize);
  const put = (at: number, text: string) => block.set(encoder.encode(text), at);
  const octal = (at: number, width: number, value: number) =>
    put(at, `${value.toString(8).padStart(width - 1, "0")}\0`);
  put(0, name);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  if (size <= OCTAL_MAX) octal(124, 12, size);
  else {
    // As GNU's tar does it, and everybody reads it.
    block[124] = 0x80;
    new DataView(block.buffer).setBigUint64(128, BigInt(size));
  }
  octal(136, 12, mtime);
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  put(265, "root");
  put(297, "root");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
