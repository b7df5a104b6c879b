/** Base64 in requests, with the error that clients of this API know. */
import { type Bytes, fromBase64 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";

/** What JavaScript's decoder skips beside line breaks. */
const otherSpace = /[ \t\f]/;

/**
 * Decodes standard base64; line breaks in it are ignored. Throws a 400 that says where it is wrong,
 * begun with `what`.
 */
export function readBase64(text: string, what = ""): Bytes {
  const bytes = otherSpace.test(text) ? undefined : fromBase64(text);
  if (bytes !== undefined) return bytes;
  throw badRequest(`${what}illegal base64 data at input byte ${firstWrong(text)}`);
}

/** What a key's text decodes to; nothing where there is none, or none that decodes. */
export function decoded(text: string | undefined): Bytes {
  return fromBase64(text ?? "") ?? new Uint8Array();
}

/** Where Go's decoder finds it, so that clients see the same. */
function firstWrong(text: string): number {
  const body = /^[A-Za-z0-9+/\r\n]*/.exec(text)?.[0].length ?? 0;
  // Where nothing is amiss but the end, the last group is.
  if (body === text.length) return body - body % 4;
  const place = body % 4;
  if (text[body] !== "=" || place < 2) return body;
  return place === 2 && text[body + 1] === "=" ? body + 2 : body + 1;
}
