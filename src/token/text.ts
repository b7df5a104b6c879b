/** The text form of tokens: a prefix that tells the type, then letters and digits. */
import type { Random } from "../base/clock.ts";

export const servicePrefix = "hvs.";
export const batchPrefix = "hvb.";
export const recoveryPrefix = "hvr.";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base 62, unbiased; 24 of them are 142 bits. */
export function randomBase62(random: Random, length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of random.bytes(length * 2)) {
      // 248 is the largest multiple of 62 in a byte; what is above would favour some characters.
      if (byte < 248 && text.length < length) text += alphabet.charAt(byte % 62);
    }
  }
  return text;
}

/** True for what the text of a batch token looks like, the older one-letter prefix included. */
export function isBatchText(token: string): boolean {
  return token.startsWith(batchPrefix) || token.startsWith("b.");
}
