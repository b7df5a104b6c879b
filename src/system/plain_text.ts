/** Texts of policies, which may come in base64. */
import { fromBase64, fromUtf8 } from "../base/bytes.ts";

/**
 * The text itself. `signs` are characters without which no policy is written, so that what has one
 * is plain already; what is base64 of no text is taken as it is, for the parser to complain about.
 */
export function plainText(given: string, signs: RegExp): string {
  const decoded = signs.test(given) ? undefined : fromBase64(given);
  if (decoded === undefined) return given;
  try {
    return fromUtf8(decoded);
  } catch (error) {
    if (error instanceof TypeError) return given;
    throw error;
  }
}
