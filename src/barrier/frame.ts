/**
 * The form of a value below the barrier: 4 bytes key term, 1 byte version, 12 bytes nonce, then
 * ciphertext and tag. Version 2 means that the key's path is the associated data, so a value that
 * is moved to another key does not open.
 */
import type { Bytes } from "../base/bytes.ts";
import { NONCE_LENGTH, TAG_LENGTH } from "../crypto/gcm.ts";
import { DecryptError, type GcmKey } from "../crypto/provider.ts";

const VERSION = 2;
const NONCE_AT = 5;

/** What a value grows by, in bytes. */
export const FRAME_OVERHEAD = NONCE_AT + NONCE_LENGTH + TAG_LENGTH;

/** The key term of a frame, or undefined where the bytes can't be a frame of this version. */
export function termOf(frame: Bytes): number | undefined {
  if (frame.length < FRAME_OVERHEAD || frame[4] !== VERSION) return undefined;
  const high = ((frame[0] ?? 0) << 24) | ((frame[1] ?? 0) << 16);
  return (high | ((frame[2] ?? 0) << 8) | (frame[3] ?? 0)) >>> 0;
}

/** Encrypts a value for its path. The 12 bytes of `nonces` from `nonceAt` are used up. */
export function sealFrame(
  key: GcmKey,
  term: number,
  path: string,
  plaintext: Uint8Array,
  nonces: Bytes,
  nonceAt: number,
): Bytes {
  const frame = new Uint8Array(FRAME_OVERHEAD + plaintext.length);
  frame[0] = term >>> 24;
  frame[1] = term >>> 16;
  frame[2] = term >>> 8;
  frame[3] = term;
  frame[4] = VERSION;
  for (let i = 0; i < NONCE_LENGTH; i++) frame[NONCE_AT + i] = nonces[nonceAt + i] ?? 0;
  const length = writePath(path);
  key.sealFrame(frame, NONCE_AT, plaintext, scratch, length);
  return frame;
}

/** Decrypts a value read at its path. Throws `DecryptError`. */
export function openFrame(key: GcmKey, path: string, frame: Bytes): Bytes {
  if (frame.length < FRAME_OVERHEAD) throw new DecryptError("too short");
  const length = writePath(path);
  return key.openFrame(frame, NONCE_AT, scratch, length);
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);

/** Writes the path's UTF-8 form into the scratch buffer and returns its length in bytes. */
function writePath(path: string): number {
  const length = path.length;
  if (length * 3 > scratch.length) scratch = new Uint8Array(length * 6);
  for (let i = 0; i < length; i++) {
    const unit = path.charCodeAt(i);
    if (unit >= 0x80) return encoder.encodeInto(path, scratch).written;
    scratch[i] = unit;
  }
  return length;
}
