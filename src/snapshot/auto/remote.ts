/** What targets behind HTTP have in common. */
import { describeError } from "../../base/failure.ts";
import { xmlTexts } from "./xml.ts";

/** Bytes that are sent at once, and held in memory meanwhile. A multiple of 256 KiB. */
export const partBytes = 16 * 1024 * 1024;

/** One call, a part's upload too. */
const callTimeoutMs = 5 * 60_000;

/** The signal, or that a call has taken too long. */
export function limited(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
}

/**
 * One call. A redirect is an answer, not followed: the file must not go where the settings don't
 * say. Where nobody answers the error names the host, and not the URL, whose query may be a secret.
 */
export async function request(service: string, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "manual" });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const { cause: inner } = cause;
    const reason = describeError(inner ?? cause).replace(
      /^error sending request for url \(.*?\): /,
      "",
    );
    throw new Error(`${service} can't be reached at ${url.host}: ${reason}`, { cause });
  }
}

/** A prefix and a name, with a slash between them. */
export function joined(prefix: string, name: string): string {
  return prefix === "" || prefix.endsWith("/") ? prefix + name : `${prefix}/${name}`;
}

/** As signatures want it: a space is %20, and only letters, digits, `-`, `.`, `_` and `~` stay. */
export function encoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The path of a key that may have slashes. */
export function encodedPath(key: string): string {
  return key.split("/").map(encoded).join("/");
}

export function queryText(query: Readonly<Record<string, string>>): string {
  return Object.entries(query).map(([name, value]) => `${name}=${encoded(value)}`).join("&");
}

/** The content of a file in parts, each with where it begins. */
export async function* partsOf(
  path: string,
  bytes: number,
): AsyncGenerator<{ readonly at: number; readonly body: Uint8Array<ArrayBuffer> }> {
  using file = await Deno.open(path, { read: true });
  for (let at = 0; at < bytes; at += partBytes) {
    yield { at, body: await readPart(file, Math.min(partBytes, bytes - at)) };
  }
}

async function readPart(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const part = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await file.read(part.subarray(at));
    if (read === null) throw new Error("the spooled snapshot is shorter than it was");
    at += read;
  }
  return part;
}

/** A service refused. Tells its code and sentence, which hold no secret; nothing of what was sent. */
export class TargetRefusal extends Error {
  override name = "TargetRefusal";

  constructor(service: string, readonly status: number, body: string) {
    const [code = ""] = xmlTexts(body, "Code");
    const [inXml = ""] = xmlTexts(body, "Message");
    const [, inJson = ""] = /"(?:message|error_description)":\s*"([^"]*)"/.exec(body) ?? [];
    const message = (inXml || inJson).slice(0, 500);
    super(`${service} answered ${status} ${code}: ${message}`.replace(/[ :]+$/, ""));
  }
}

/** Ends a removal: what was not there is gone, too. */
export async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof TargetRefusal && error.status === 404)) throw error;
  }
}
