/** Keys out of a key and a context. */
import { type Bytes, concat, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { CryptoProvider } from "../../crypto/provider.ts";
import type { KeyPolicy } from "./policy.ts";

/** Bytes that the counter mode makes, whatever is asked for. */
const COUNTER_LENGTH = 32;

/** The context of a request, which derived keys must have. */
export function requireContext(context: Uint8Array): void {
  if (context.length > 0) return;
  throw badRequest(
    "missing 'context' for key derivation; the key was created using a derived key, which means " +
      "additional, per-request information must be included in order to perform operations with the key",
  );
}

/** `length` bytes; the caller wipes them. */
export function deriveKey(
  crypto: CryptoProvider,
  policy: KeyPolicy,
  key: Uint8Array,
  context: Uint8Array,
  length: number,
): Bytes {
  requireContext(context);
  if (policy.kdf === "hkdf_sha256") {
    return crypto.hkdf("sha256", key, new Uint8Array(), context, length);
  }
  if (length > COUNTER_LENGTH) throw badRequest("this key derivation makes too few bytes");
  const made = counterMode(crypto, key, context);
  const out = made.slice(0, length);
  wipe(made);
  return out;
}

/** NIST SP 800-108 in counter mode over HMAC-SHA-256, one block; the first counter is 0. */
function counterMode(crypto: CryptoProvider, key: Uint8Array, context: Uint8Array): Bytes {
  const hmac = crypto.hmacKey("sha256", key);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, COUNTER_LENGTH * 8);
  const made = hmac.sign(concat(new Uint8Array(4), context, length));
  hmac.destroy();
  return made;
}

/** For convergent encryption: HMAC-SHA-256. */
export function hmacSha256(crypto: CryptoProvider, key: Uint8Array, data: Uint8Array): Bytes {
  const hmac = crypto.hmacKey("sha256", key);
  const made = hmac.sign(data);
  hmac.destroy();
  return made;
}

const ED25519_PREFIX = Uint8Array.fromHex("302e020100300506032b657004220420");

/** PKCS #8 of an Ed25519 key out of its seed (RFC 8410). The caller wipes it. */
export function ed25519Pkcs8(seed: Uint8Array): Bytes {
  return concat(ED25519_PREFIX, seed);
}

/** The seed in such a PKCS #8. The caller wipes it. */
export function ed25519Seed(pkcs8: Uint8Array): Bytes {
  return pkcs8.slice(ED25519_PREFIX.length, ED25519_PREFIX.length + 32);
}
