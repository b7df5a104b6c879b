/** Lengths of AES-GCM (NIST SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), and their checks. */

/** Bytes of a nonce. */
export const NONCE_LENGTH = 12;

/** Bytes of an authentication tag. */
export const TAG_LENGTH = 16;

/** Throws RangeError unless the key fits AES-128, AES-192 or AES-256. */
export function checkGcmKey(key: Uint8Array): void {
  if (key.length !== 16 && key.length !== 24 && key.length !== 32) {
    throw new RangeError(`an AES key has 16, 24 or 32 bytes, not ${key.length}`);
  }
}

/** Throws RangeError unless the key has 32 bytes. */
export function checkChachaKey(key: Uint8Array): void {
  if (key.length !== 32) throw new RangeError(`a ChaCha20 key has 32 bytes, not ${key.length}`);
}

/** Throws RangeError unless the nonce has 12 bytes. */
export function checkGcmNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_LENGTH) {
    throw new RangeError(`a nonce has ${NONCE_LENGTH} bytes, not ${nonce.length}`);
  }
}
