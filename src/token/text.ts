/** The text form of tokens: a prefix that tells the type, then letters and digits. */
import { base62Digits, randomBase62 } from "../base/base62.ts";
import type { Clock, Random } from "../base/clock.ts";

export const servicePrefix = "hvs.";
export const batchPrefix = "hvb.";
export const recoveryPrefix = "hvr.";

/** Characters that tell the time, in ticks of 16 ms; they come round every 169 days. */
const timeLength = 5;
const tickMs = 16;
const timesMax = 62 ** timeLength;

/**
 * `length` characters of base 62 that begin with the time they are made at, so that what is made
 * together can lie together in storage. Of 24 of them 19 are random: 113 bits.
 */
export function timedBase62(clock: Clock, random: Random, length: number): string {
  let left = Math.floor(clock.now() / tickMs) % timesMax;
  let time = "";
  for (let i = 0; i < timeLength; i++) {
    time = base62Digits.charAt(left % 62) + time;
    left = Math.floor(left / 62);
  }
  return time + randomBase62(random, length - timeLength);
}

/** The time that a text of `timedBase62` begins with, eight hex digits; undefined where it is none. */
export function timeOfText(text: string): string | undefined {
  let time = 0;
  for (let i = 0; i < timeLength; i++) {
    const digit = base62Digits.indexOf(text.charAt(i) || "-");
    if (digit < 0) return undefined;
    time = time * 62 + digit;
  }
  return time.toString(16).padStart(8, "0");
}

/** True for what the text of a batch token looks like, the older one-letter prefix included. */
export function isBatchText(token: string): boolean {
  return token.startsWith(batchPrefix) || token.startsWith("b.");
}
