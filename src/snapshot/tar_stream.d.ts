/** The part of tar-stream that is used here. */
import type { Buffer } from "node:buffer";
import type { Readable, Writable } from "node:stream";

interface Header {
  name: string;
  size?: number;
  mode?: number;
}

interface Pack extends Readable {
  entry(header: Header, content: Buffer): Writable;
  entry(header: Header, done: (error?: Error | null) => void): Writable;
  finalize(): void;
}

interface Member extends Readable {
  readonly header: Header;
}

interface Extract extends Writable {
  [Symbol.asyncIterator](): AsyncIterator<Member>;
}

declare const tar: { pack(): Pack; extract(): Extract };
export default tar;
