/** Request bodies, bounded in size and time. */
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { Deadlines } from "../base/deadlines.ts";
import { badRequest, Failure } from "../base/failure.ts";
import type { LoadGate } from "./load_gate.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads bodies of requests, with bounds that hold for all of them. */
export class BodyReader {
  /** A timer for each body would cost a twentieth of a small write. */
  readonly #deadlines: Deadlines;
  /** What was read of bodies that may be read again. */
  readonly #kept = new Map<Request, Bytes | undefined>();

  /** `maxBytes` and `timeoutMs` are 0 for no limit. What `load` holds is its user's to release. */
  constructor(
    clock: Clock,
    readonly load: LoadGate,
    readonly maxBytes: number,
    readonly timeoutMs: number,
  ) {
    this.#deadlines = new Deadlines(clock);
  }

  /**
   * The whole body as text. Throws 413 where it is too large, 408 where it has not come in time, 400
   * where it is not UTF-8 or breaks off, 503 where too much is on its way from others.
   */
  async read(http: Request): Promise<string> {
    const bytes = await this.readBytes(http);
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw badRequest("the body is not UTF-8", cause);
    }
  }

  /** The same, whatever the bytes are. */
  async readBytes(http: Request): Promise<Bytes> {
    const kept = this.#kept.get(http);
    if (kept !== undefined) return kept;
    const bytes = await this.#readOnce(http);
    if (this.#kept.has(http)) this.#kept.set(http, bytes);
    return bytes;
  }

  /** From now on the body can be read more than once, until the returned is called. */
  keep(http: Request): () => void {
    this.#kept.set(http, undefined);
    return () => this.#kept.delete(http);
  }

  /** Whether it can still be read. */
  isReadable(http: Request): boolean {
    return !http.bodyUsed || this.#kept.get(http) !== undefined;
  }

  async #readOnce(http: Request): Promise<Bytes> {
    const { maxBytes } = this;
    const declared = Number(http.headers.get("content-length") ?? NaN);
    if (maxBytes > 0 && declared > maxBytes) throw tooLarge(maxBytes);
    if (!this.load.beginSmall(declared)) return await this.#collected(http);
    try {
      // Not bytes(): the requests of Node's listener have only the older of the two.
      return new Uint8Array(await this.#within(http.arrayBuffer()));
    } finally {
      this.load.endSmall();
    }
  }

  async #collected(http: Request): Promise<Bytes> {
    let isOver = false;
    const keep = (chunk: Uint8Array) => {
      // Who waited for it has gone, and nobody would release what is held now.
      if (isOver) throw new Failure(408, "the body did not arrive in time");
      this.load.hold(http, chunk.length);
    };
    try {
      return await this.#within(collect(http, this.maxBytes, keep));
    } finally {
      isOver = true;
    }
  }

  #within<T>(reading: Promise<T>): Promise<T> {
    const { timeoutMs } = this;
    return new Promise((resolve, reject) => {
      const late = () => reject(new Failure(408, "the body did not arrive in time"));
      const callOff = timeoutMs === 0 ? undefined : this.#deadlines.add(timeoutMs, late);
      reading.then((value) => {
        callOff?.();
        resolve(value);
      }, (cause) => {
        callOff?.();
        const isRefusal = cause instanceof Failure;
        reject(isRefusal ? cause : badRequest("the body broke off before its end", cause));
      });
    });
  }
}

function tooLarge(maxBytes: number): Failure {
  return new Failure(413, `http: request body too large: the limit is ${maxBytes} bytes`);
}

async function collect(
  http: Request,
  maxBytes: number,
  keep: (chunk: Uint8Array) => void,
): Promise<Bytes> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (http.body === null) return new Uint8Array(0);
  for await (const chunk of http.body) {
    length += chunk.length;
    if (maxBytes > 0 && length > maxBytes) throw tooLarge(maxBytes);
    keep(chunk);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
