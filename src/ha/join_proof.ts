/**
 * How a node that wants to join proves that it holds the seal's key: the active node encrypts a
 * secret with it, and only who can read the secret can make the answer. The secret itself is never
 * sent back, and the cluster's TLS keyring travels encrypted with a key made of it, so that the
 * API's listener need not be trusted with it.
 */
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import type { CryptoProvider } from "../crypto/provider.ts";

export const SECRET_BYTES = 32;
const NONCE_BYTES = 12;

/** The name that a challenge is bound to. */
export function challengeName(serverId: string): string {
  return `core/raft/challenge/${serverId}`;
}

export function answerOf(crypto: CryptoProvider, secret: Bytes, serverId: string): Bytes {
  return crypto.hkdf("sha256", secret, utf8(serverId), utf8("holdfast join answer v1"), 32);
}

export function sealKeyring(
  crypto: CryptoProvider,
  random: Random,
  secret: Bytes,
  serverId: string,
  keyring: Bytes,
): Bytes {
  const nonce = random.bytes(NONCE_BYTES);
  const key = keyringKey(crypto, secret, serverId);
  try {
    return concat(nonce, key.seal(nonce, keyring, utf8(serverId)));
  } finally {
    key.destroy();
  }
}

/** Throws `DecryptError`. */
export function openKeyring(
  crypto: CryptoProvider,
  secret: Bytes,
  serverId: string,
  sealed: Bytes,
): Bytes {
  const key = keyringKey(crypto, secret, serverId);
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    return key.open(nonce, sealed.subarray(NONCE_BYTES), utf8(serverId));
  } finally {
    key.destroy();
  }
}

function keyringKey(crypto: CryptoProvider, secret: Bytes, serverId: string) {
  const info = utf8("holdfast join keyring v1");
  return crypto.gcmKey(crypto.hkdf("sha256", secret, utf8(serverId), info, 32));
}
