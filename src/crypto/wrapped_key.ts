/**
 * Keys on their way between machines: an AES-256 key made for the journey in RSA-OAEP, then the key
 * itself in AES-KWP (RFC 5649) under that, as PKCS #11's CKM_RSA_AES_KEY_WRAP does.
 */
import { type Bytes, concat, wipe } from "../base/bytes.ts";
import type { Random } from "../base/clock.ts";
import { unwrapKey, wrapKey } from "./key_wrap.ts";
import type { SigningKey, VerifyingKey } from "./keys.ts";
import { DecryptError, type HashName } from "./provider.ts";

/** Bytes of the key for the journey. */
const EPHEMERAL_LENGTH = 32;

/** Wraps a key for whoever has the private half of `destination`, an RSA key. */
export async function wrapForJourney(
  random: Random,
  destination: VerifyingKey,
  key: Uint8Array,
  hash: HashName,
): Promise<Bytes> {
  const ephemeral = random.bytes(EPHEMERAL_LENGTH);
  try {
    return concat(await destination.encrypt(ephemeral, hash), await wrapKey(ephemeral, key));
  } finally {
    wipe(ephemeral);
  }
}

/** The reverse. Throws `DecryptError` for what was not wrapped for this key. The caller wipes it. */
export async function unwrapFromJourney(
  pair: SigningKey,
  wrapped: Uint8Array,
  hash: HashName,
): Promise<Bytes> {
  const { algorithm } = pair;
  const outer = algorithm.type === "rsa" ? Math.ceil(algorithm.bits / 8) : 0;
  if (wrapped.length <= outer) throw new DecryptError("the wrapped key is too short");
  const ephemeral = await pair.decrypt(wrapped.subarray(0, outer), hash);
  try {
    if (ephemeral.length !== EPHEMERAL_LENGTH) {
      throw new DecryptError("the key that it is wrapped in is no AES-256 key");
    }
    return await unwrapKey(ephemeral, wrapped.subarray(outer));
  } finally {
    wipe(ephemeral);
  }
}
