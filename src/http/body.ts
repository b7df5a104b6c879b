/** Request bodies, bounded in size and time. */
import { badRequest, Failure } from "../base/failure.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The whole body as text. Throws 413 where it is over `maxBytes` (0: no limit), 408 where it has
 * not come within `timeoutMs` (0: no limit), 400 where it is not UTF-8 or breaks off.
 */
export async function readBody(
  http: Request,
  maxBytes: number,
  timeoutMs: number,
): Promise<string> {
  const declared = Number(http.headers.get("content-length") ?? NaN);
  if (maxBytes > 0 && declared > maxBytes) throw tooLarge(maxBytes);
  const small = declared <= 65536;
  // Not bytes(): the requests of Node's listener have only the older of the two.
  const bytes = await within<ArrayBuffer | Uint8Array>(
    timeoutMs,
    small ? http.arrayBuffer() : collect(http, maxBytes),
  );
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw badRequest("the body is not UTF-8", cause);
  }
}

function tooLarge(maxBytes: number): Failure {
  return new Failure(413, `http: request body too large: the limit is ${maxBytes} bytes`);
}

async function collect(http: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (http.body === null) return new Uint8Array(0);
  for await (const chunk of http.body) {
    length += chunk.length;
    if (maxBytes > 0 && length > maxBytes) throw tooLarge(maxBytes);
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

/** A body that has arrived resolves within the same turn; only what is late costs a timer. */
async function within<T>(timeoutMs: number, reading: Promise<T>): Promise<T> {
  const guarded = reading.catch((cause) => {
    if (cause instanceof Failure) throw cause;
    throw badRequest("the body broke off before its end", cause);
  });
  if (timeoutMs === 0) return await guarded;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Failure(408, "the body did not arrive in time")),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([guarded, late]);
  } finally {
    clearTimeout(timer);
  }
}
