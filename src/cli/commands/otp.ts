/** The one-time password of a root generation: as long as a token, and XORed with it. */
import { fromBase64, utf8 } from "../../base/bytes.ts";
import { CommandError } from "../errors.ts";

/** The token behind an encoded one (base64 without padding). Throws CommandError. */
export function decodeToken(encoded: string, otp: string): string {
  const trimmed = encoded.trim().replace(/=+$/, "");
  const bytes = fromBase64(trimmed + "=".repeat((4 - trimmed.length % 4) % 4));
  const key = utf8(otp);
  if (bytes === undefined) throw new CommandError("Error: the encoded token is no base64", 1);
  if (bytes.length !== key.length) {
    throw new CommandError("Error: the encoded token and the password differ in length", 1);
  }
  return new TextDecoder().decode(bytes.map((byte, index) => byte ^ (key[index] ?? 0)));
}
