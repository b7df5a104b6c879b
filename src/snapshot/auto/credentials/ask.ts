/** Calls to services that hand out credentials: what they answer is never told, only how. */
import { describeError } from "../../../base/failure.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../../logical/json.ts";
import { request, TargetRefusal } from "../remote.ts";
import { Absent } from "./chain.ts";

/** A service on the machine or beside it answers at once; where there is none, packets may vanish. */
const nearbyMs = 2_000;
const farMs = 30_000;

/** The text of an answer that is good. Throws a `TargetRefusal`, or an error that names the host. */
export async function ask(
  service: string,
  url: URL,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<string> {
  const signal = AbortSignal.any([init.signal, AbortSignal.timeout(farMs)]);
  const response = await request(service, url, { ...init, signal });
  const text = await response.text();
  if (!response.ok) throw new TargetRefusal(service, response.status, text);
  return text;
}

/** As `ask`, of a machine's metadata service; absent where nobody answers there. */
export async function askNearby(
  service: string,
  url: URL,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<string | Absent> {
  const signal = AbortSignal.any([init.signal, AbortSignal.timeout(nearbyMs)]);
  try {
    return await ask(service, url, { ...init, signal });
  } catch (error) {
    init.signal.throwIfAborted();
    if (error instanceof TargetRefusal) throw error;
    return new Absent(
      signal.aborted ? `nobody answers at ${url.host} in ${nearbyMs} ms` : describeError(error),
    );
  }
}

/** Throws where it is none; the parser's sentence is left out, which may show a part of a secret. */
export function jsonOf(service: string, text: string): JsonObject {
  let value;
  try {
    value = parseJson(text);
  } catch {
    throw new Error(`${service} answered with something else than JSON`);
  }
  if (isJsonObject(value)) return value;
  throw new Error(`${service} answered with something else than an object`);
}

/** A field that is a text, and not an empty one. */
export function textOf(service: string, from: JsonObject, name: string): string {
  const { [name]: value } = from;
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${service} answered without ${name}`);
}

/** The token of an OAuth answer, and when it ends. */
export function bearerOf(service: string, text: string, now: number) {
  const answer = jsonOf(service, text);
  const seconds = Number(answer.expires_in ?? 0);
  if (!Number.isFinite(seconds)) throw new Error(`${service} answered with a strange expires_in`);
  return { value: textOf(service, answer, "access_token"), until: now + seconds * 1000 };
}

/** A URL that the environment gives. Throws an error that names the variable. */
export function urlFrom(variable: string, text: string): URL {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text);
  throw new Error(`${variable} is no http URL`);
}
