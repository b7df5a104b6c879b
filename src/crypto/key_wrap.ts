/**
 * AES key wrap with padding (RFC 5649), for keys that travel under another one: by @noble/ciphers,
 * which neither provider has to have, loaded when needed.
 */
import type { Bytes } from "../base/bytes.ts";
import { DecryptError } from "./provider.ts";

/** `wrappingKey` is an AES key; `key` has at least a byte. */
export async function wrapKey(wrappingKey: Uint8Array, key: Uint8Array): Promise<Bytes> {
  const { aeskwp } = await import("@noble/ciphers/aes");
  return new Uint8Array(aeskwp(wrappingKey).encrypt(key));
}

/** The reverse. Throws `DecryptError` for whatever is no wrapped key under this one. */
export async function unwrapKey(wrappingKey: Uint8Array, wrapped: Uint8Array): Promise<Bytes> {
  const { aeskwp } = await import("@noble/ciphers/aes");
  try {
    return new Uint8Array(aeskwp(wrappingKey).decrypt(wrapped));
  } catch (cause) {
    throw new DecryptError("the wrapped key does not authenticate", { cause });
  }
}
