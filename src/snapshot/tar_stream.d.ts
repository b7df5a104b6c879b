/** The part of tar-stream that is used here. */
import type { Readable, Writable } from "node:stream";

interface Header {
  name: string;
  size?: number;
  mode?: number;
}

interface Member extends Readable {
  readonly header: Header;
}

interface Extract extends Writable {
  [Symbol.asyncIterator](): AsyncIterator<Member>;
}

declare const tar: { extract(): Extract };
export default tar;
