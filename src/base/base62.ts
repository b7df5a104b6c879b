/** Texts of digits and letters. */
import type { Random } from "./clock.ts";

export const base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base 62, unbiased; 24 of them are 142 bits. */
export function randomBase62(random: Random, length: number): string {
  const units: number[] = [];
  while (units.length < length) {
    for (const byte of random.bytes(length * 2)) {
      // 248 is the largest multiple of 62 in a byte; what is above would favour some characters.
      if (byte < 248 && units.length < length) units.push(base62Digits.charCodeAt(byte % 62));
    }
  }
  // In one piece: a text that grows by characters is as many pieces, put together when it is used.
  return String.fromCharCode(...units);
}
