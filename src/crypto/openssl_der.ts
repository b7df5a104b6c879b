/** How libcrypto takes and gives DER, and tells what a key is. */
import type { Bytes } from "../base/bytes.ts";
import { type KeyAlgorithm, KeyFormatError } from "./keys.ts";
import { cString, good, type Libcrypto, LibcryptoError } from "./libcrypto.ts";

/** A copy whose address does not change: small arrays live on the heap unless made so. */
export function pinnedCopy(bytes: Uint8Array): Bytes {
  const out = new Uint8Array(new ArrayBuffer(Math.max(1, bytes.length)));
  out.set(bytes);
  return bytes.length === 0 ? out.subarray(0, 0) : out;
}

/** The cell that d2i and i2d functions read an address from and advance. */
export function exchangedPointer(bytes: Bytes): BigUint64Array<ArrayBuffer> {
  const cell = new BigUint64Array(new ArrayBuffer(8));
  cell[0] = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
  return cell;
}

/** Calls an i2d function twice, for the length and for the bytes. */
export function derOf(
  encode: (out: BigUint64Array<ArrayBuffer> | null) => number,
  call: string,
): Bytes {
  const length = encode(null);
  if (length <= 0) throw new LibcryptoError(call);
  const out = new Uint8Array(new ArrayBuffer(length));
  if (encode(exchangedPointer(out)) !== length) throw new LibcryptoError(call);
  return out;
}

const CURVES: Readonly<Record<string, "p256" | "p384" | "p521">> = {
  "prime256v1": "p256",
  "P-256": "p256",
  "secp384r1": "p384",
  "P-384": "p384",
  "secp521r1": "p521",
  "P-521": "p521",
};

/** What a key is. Throws `KeyFormatError` where it is none of ours. */
export function readAlgorithm(lib: Libcrypto, key: Deno.PointerObject): KeyAlgorithm {
  if (lib.EVP_PKEY_is_a(key, cString("ED25519")) === 1) return { type: "ed25519" };
  if (lib.EVP_PKEY_is_a(key, cString("RSA")) === 1) {
    return { type: "rsa", bits: lib.EVP_PKEY_get_bits(key) };
  }
  if (lib.EVP_PKEY_is_a(key, cString("EC")) !== 1) {
    throw new KeyFormatError("keys of this type are not supported");
  }
  const name = new Uint8Array(new ArrayBuffer(80));
  const length = new BigUint64Array(new ArrayBuffer(8));
  const done = lib.EVP_PKEY_get_group_name(key, name, BigInt(name.length), length);
  good(done, "EVP_PKEY_get_group_name");
  const group = new TextDecoder().decode(name.subarray(0, Number(length[0])));
  const curve = CURVES[group];
  if (curve === undefined) throw new KeyFormatError(`the curve ${group} is not supported`);
  return { type: "ecdsa", curve };
}
