/**
 * Keys on their way between mounts and machines: an AES-256 key made for the journey in RSA-OAEP, then
 * the key itself in AES-KWP (RFC 5649) under that.
 */
import { type Bytes, concat, wipe } from "../../base/bytes.ts";
import type { Random } from "../../base/clock.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { unwrapKey, wrapKey } from "../../crypto/key_wrap.ts";
import type { SigningKey, VerifyingKey } from "../../crypto/keys.ts";
import { DecryptError, type HashName } from "../../crypto/provider.ts";

/** Bytes of the key for the journey. */
const EPHEMERAL_LENGTH = 32;

const hashes: Readonly<Record<string, HashName>> = {
  SHA1: "sha1",
  SHA224: "sha224",
  SHA256: "sha256",
  SHA384: "sha384",
  SHA512: "sha512",
};

/** The field that names the digest of RSA-OAEP. */
export const wrappingHash = field.string(
  "Of RSA-OAEP: SHA1, SHA224, SHA256, SHA384 or SHA512.",
  "SHA256",
);

/** The digest of a name in a request. */
export function readWrappingHash(name: string): HashName {
  const hash = Object.hasOwn(hashes, name) ? hashes[name] : undefined;
  if (hash !== undefined) return hash;
  throw badRequest(`unsupported hash function ${name}; it is one of ${Object.keys(hashes)}`);
}

/** Wraps a key for whoever has the private half of `destination`, an RSA key. */
export async function wrapSecret(
  random: Random,
  destination: VerifyingKey,
  secret: Uint8Array,
  hash: HashName,
): Promise<Bytes> {
  const ephemeral = random.bytes(EPHEMERAL_LENGTH);
  try {
    return concat(await destination.encrypt(ephemeral, hash), await wrapKey(ephemeral, secret));
  } finally {
    wipe(ephemeral);
  }
}

/** The reverse. Throws a 400 for what was not wrapped for this key. The caller wipes it. */
export async function unwrapSecret(
  pair: SigningKey,
  wrapped: Uint8Array,
  hash: HashName,
): Promise<Bytes> {
  const { algorithm } = pair;
  const outer = algorithm.type === "rsa" ? Math.ceil(algorithm.bits / 8) : 0;
  if (wrapped.length <= outer) throw badRequest("the wrapped key is too short");
  try {
    const ephemeral = await pair.decrypt(wrapped.subarray(0, outer), hash);
    try {
      if (ephemeral.length !== EPHEMERAL_LENGTH) {
        throw badRequest("the key that it is wrapped in is no AES-256 key");
      }
      return await unwrapKey(ephemeral, wrapped.subarray(outer));
    } finally {
      wipe(ephemeral);
    }
  } catch (error) {
    if (error instanceof DecryptError) throw badRequest("the wrapped key could not be unwrapped");
    throw error;
  }
}
