/**
 * The keyring as it is stored: the data keys of all terms and the rotation settings. Its plaintext
 * is binary, since text that holds keys could not be wiped.
 *
 *     u8   format, 1
 *     u8   automatic rotation enabled
 *     u64  operations of a term at most
 *     u64  interval of rotation, milliseconds
 *     u32  number of terms, then for each, oldest first:
 *       u32  term
 *       u8   algorithm, 1 = AES-256-GCM
 *       u64  time of installation, milliseconds since 1970
 *       32   key
 *
 * All numbers are big-endian.
 */
import { type Bytes, wipe } from "../base/bytes.ts";
import { refuseNewer } from "../raft/formats.ts";
import type { RotationConfig } from "./rotation.ts";

/** Bytes of a data key and of the root key. */
export const KEY_LENGTH = 32;

const FORMAT = 1;
const AES_256_GCM = 1;
const HEAD_LENGTH = 22;
const TERM_LENGTH = 13 + KEY_LENGTH;
const TERMS_MAX = 100_000;

export interface TermRecord {
  /** Counts from 1. */
  readonly term: number;
  /** Milliseconds since 1970. */
  readonly installTime: number;
  /** Key material: whoever holds the record wipes it. */
  readonly key: Bytes;
}

export interface KeyringRecord {
  readonly rotation: RotationConfig;
  /** Ascending, at least one. The last is the active one. */
  readonly terms: readonly TermRecord[];
}

/** Serializes a keyring. The caller wipes the result. */
export function encodeKeyring(keyring: KeyringRecord): Bytes {
  const out = new Uint8Array(HEAD_LENGTH + keyring.terms.length * TERM_LENGTH);
  const view = new DataView(out.buffer);
  view.setUint8(0, FORMAT);
  view.setUint8(1, keyring.rotation.enabled ? 1 : 0);
  view.setBigUint64(2, BigInt(keyring.rotation.maxOperations));
  view.setBigUint64(10, BigInt(keyring.rotation.intervalMs));
  view.setUint32(18, keyring.terms.length);
  let at = HEAD_LENGTH;
  for (const { term, installTime, key } of keyring.terms) {
    if (key.length !== KEY_LENGTH) throw new RangeError("a data key has 32 bytes");
    view.setUint32(at, term);
    view.setUint8(at + 4, AES_256_GCM);
    view.setBigUint64(at + 5, BigInt(installTime));
    out.set(key, at + 13);
    at += TERM_LENGTH;
  }
  return out;
}

/**
 * The reverse. Throws SyntaxError on anything that `encodeKeyring` does not write,
 * `UnknownFormatError` where a later version wrote it.
 */
export function decodeKeyring(bytes: Bytes): KeyringRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD_LENGTH) throw malformed();
  refuseNewer("the barrier's keyring", view.getUint8(0), FORMAT);
  if (view.getUint8(0) !== FORMAT) throw malformed();
  const count = view.getUint32(18);
  const expected = HEAD_LENGTH + count * TERM_LENGTH;
  if (count < 1 || count > TERMS_MAX || bytes.length !== expected) throw malformed();
  const terms: TermRecord[] = [];
  let before = 0;
  for (let at = HEAD_LENGTH; at < bytes.length; at += TERM_LENGTH) {
    const term = view.getUint32(at);
    if (term <= before || view.getUint8(at + 4) !== AES_256_GCM) throw malformed();
    before = term;
    const installTime = Number(view.getBigUint64(at + 5));
    terms.push({ term, installTime, key: bytes.slice(at + 13, at + TERM_LENGTH) });
  }
  const rotation = {
    enabled: view.getUint8(1) === 1,
    maxOperations: Number(view.getBigUint64(2)),
    intervalMs: Number(view.getBigUint64(10)),
  };
  return { rotation, terms };
}

/** Zeroes the keys of a record. */
export function wipeKeyring(keyring: KeyringRecord): void {
  for (const { key } of keyring.terms) wipe(key);
}

function malformed(): SyntaxError {
  return new SyntaxError("the keyring is malformed");
}
