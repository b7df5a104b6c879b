/** HKDF of RFC 5869, over any HMAC: both providers share it. */
import { type Bytes, wipe } from "../base/bytes.ts";
import { HASH_LENGTHS } from "./hashes.ts";
import type { HashName, HmacKey } from "./provider.ts";

/**
 * Extract-then-expand. `length` is 1 to 255 times the digest's length, RangeError otherwise.
 * An empty salt stands for a digest's length of zeros, as in section 2.2.
 */
export function hkdfOver(
  hmacKey: (name: HashName, key: Uint8Array) => HmacKey,
  hash: HashName,
  input: { key: Uint8Array; salt: Uint8Array; info: Uint8Array; length: number },
): Bytes {
  const size = HASH_LENGTHS[hash];
  if (!Number.isInteger(input.length) || input.length < 1 || input.length > 255 * size) {
    throw new RangeError(`HKDF makes 1 to ${255 * size} bytes, not ${input.length}`);
  }
  const salt = input.salt.length === 0 ? new Uint8Array(size) : input.salt;
  const extract = hmacKey(hash, salt);
  const pseudoRandomKey = extract.sign(input.key);
  extract.destroy();
  const expand = hmacKey(hash, pseudoRandomKey);
  wipe(pseudoRandomKey);
  const out = new Uint8Array(input.length);
  const block = new Uint8Array(size + input.info.length + 1);
  block.set(input.info, size);
  let at = 0;
  for (let counter = 1; at < input.length; counter++) {
    block[block.length - 1] = counter;
    const made = expand.sign(counter === 1 ? block.subarray(size) : block);
    out.set(made.subarray(0, Math.min(size, input.length - at)), at);
    block.set(made);
    wipe(made);
    at += size;
  }
  wipe(block);
  expand.destroy();
  return out;
}
