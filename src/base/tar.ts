/** A tar archive (POSIX ustar) of a few files, the same bytes for the same files. */

export interface ArchiveFile {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

const blockSize = 512;
const encoder = new TextEncoder();

/** All files, owned by root and of 1970, in the order given. */
export function tar(files: readonly ArchiveFile[]): Uint8Array<ArrayBuffer> {
  const size = files.reduce((sum, { content }) => sum + blockSize + padded(content.length), 0);
  const out = new Uint8Array(size + 2 * blockSize);
  let at = 0;
  for (const file of files) {
    out.set(header(file), at);
    out.set(file.content, at + blockSize);
    at += blockSize + padded(file.content.length);
  }
  return out;
}

function padded(length: number): number {
  return Math.ceil(length / blockSize) * blockSize;
}

function header({ name, mode, content }: ArchiveFile): Uint8Array {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new Error(`no name for an archive: ${name}`);
  const block = new Uint8Array(blockSize);
  const put = (at: number, text: string) => block.set(encoder.encode(text), at);
  const octal = (at: number, width: number, value: number) =>
    put(at, `${value.toString(8).padStart(width - 1, "0")}\0`);
  put(0, name);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, content.length);
  octal(136, 12, 0);
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  put(265, "root");
  put(297, "root");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
