/** Small conversions between bytes and text, used everywhere. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Raw octets. Backed by an ordinary (not shared) buffer, so every Web and Deno API takes it. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** UTF-8 encodes text. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Decodes UTF-8. Throws TypeError on malformed input. */
export function fromUtf8(bytes: Uint8Array): string {
  return shortAscii(bytes) ?? decoder.decode(bytes);
}

/** What a decoder takes to begin is several times as long as this takes. */
const SHORT = 24;

function shortAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length > SHORT) return undefined;
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Text that we encoded ourselves and that the barrier has authenticated since: checking it again
 * would cost more than decoding it.
 */
export function storedText(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

/** Concatenates byte strings. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Gives the memory of large bytes back at once, which then are empty, rather than when garbage is
 * collected next: that lets up to 64 MiB gather. Does nothing to a part of something.
 */
export function release(bytes: Bytes): void {
  if (bytes.byteLength < RELEASED_MIN || bytes.byteLength !== bytes.buffer.byteLength) return;
  bytes.buffer.transfer(0);
}

/** Of less there is no gain. */
const RELEASED_MIN = 4096;

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Parses hexadecimal of either case, or undefined where the text is not hexadecimal. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.fromHex(text);
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** URL-safe base64 without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Parses standard base64, padding required as by RFC 4648; undefined where it is malformed. */
export function fromBase64(text: string): Bytes | undefined {
  return parseBase64(text, "base64", "strict");
}

/** Parses URL-safe base64 with or without padding; undefined where it is malformed. */
export function fromBase64Url(text: string): Bytes | undefined {
  return parseBase64(text, "base64url", "loose");
}

function parseBase64(
  text: string,
  alphabet: "base64" | "base64url",
  lastChunkHandling: "strict" | "loose",
): Bytes | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet, lastChunkHandling });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Overwrites key material with zeros when it is no longer needed. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

/** Whether two byte strings are equal. Not for secrets: how long it takes tells where they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
