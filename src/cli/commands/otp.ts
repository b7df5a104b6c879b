/** The one-time password of a root generation: as long as a token, and XORed with it. */
import { fromBase64, utf8 } from "../../base/bytes.ts";
import type { Random } from "../../base/clock.ts";
import { CommandError } from "../errors.ts";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Letters and digits, each as likely as any other. */
export function randomOtp(length: number, random: Random): string {
  let otp = "";
  // Bytes from 248 on are drawn again: 248 is the largest multiple of 62 below 256.
  while (otp.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < 248 && otp.length < length) otp += alphabet[byte % 62];
    }
  }
  return otp;
}

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
