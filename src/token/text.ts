/** The text form of tokens: a prefix that tells the type, then letters and digits. */
import type { Random } from "../base/clock.ts";

export const servicePrefix = "hvs.";
export const batchPrefix = "hvb.";
export const recoveryPrefix = "hvr.";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base 62, unbiased; 24 of them are 142 bits. */
export function randomBase62(random: Random, length: number): string {
  const units: number[] = [];
  while (units.length < length) {
    for (const byte of random.bytes(length * 2)) {
      // 248 is the largest multiple of 62 in a byte; what is above would favour some characters.
      if (byte < 248 && units.length < length) units.push(alphabet.charCodeAt(byte % 62));
    }
  }
  // In one piece: a text that grows by characters is as many pieces, put together when it is used.
  return String.fromCharCode(...units);
}

/** True for what the text of a batch token looks like, the older one-letter prefix included. */
export function isBatchText(token: string): boolean {
  return token.startsWith(batchPrefix) || token.startsWith("b.");
}
