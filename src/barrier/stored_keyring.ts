/** The keyring in its stored form: a frame like every value's, but encrypted with the root key. */
import { type Bytes, wipe } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { NONCE_LENGTH } from "../crypto/gcm.ts";
import { DecryptError, type GcmKey } from "../crypto/provider.ts";
import { CorruptionError, type Write } from "../storage/storage.ts";
import { WrongRootKeyError } from "./errors.ts";
import { openFrame, sealFrame, termOf } from "./frame.ts";
import { decodeKeyring, encodeKeyring, type KeyringRecord } from "./keyring.ts";
import { KEYRING_KEY } from "./physical.ts";

/** The root key has no terms; its frames name the first. */
const ROOT_TERM = 1;

/** The write that stores a keyring. The caller still wipes the record. */
export function keyringWrite(root: GcmKey, record: KeyringRecord, random: Random): Write {
  const plaintext = encodeKeyring(record);
  const nonce = random.bytes(NONCE_LENGTH);
  const value = sealFrame(root, ROOT_TERM, KEYRING_KEY, plaintext, nonce, 0);
  wipe(plaintext);
  return { key: KEYRING_KEY, value };
}

/**
 * Opens a stored keyring; the caller wipes what it gets. Throws `WrongRootKeyError` where it does
 * not open, `CorruptionError` where it is no keyring.
 */
export function openStoredKeyring(root: GcmKey, frame: Bytes): KeyringRecord {
  if (termOf(frame) !== ROOT_TERM) throw malformed();
  let plaintext: Bytes | undefined;
  try {
    plaintext = openFrame(root, KEYRING_KEY, frame);
    return decodeKeyring(plaintext);
  } catch (cause) {
    if (cause instanceof DecryptError) throw new WrongRootKeyError({ cause });
    if (cause instanceof SyntaxError) throw malformed(cause);
    throw cause;
  } finally {
    wipe(plaintext);
  }
}

function malformed(cause?: unknown): CorruptionError {
  return new CorruptionError(`the value of ${KEYRING_KEY} is malformed`, { cause });
}
