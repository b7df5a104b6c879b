/** How libcrypto takes and gives DER, and tells what a key is. */
import type { Bytes } from "../base/bytes.ts";
import { type KeyAlgorithm, KeyFormatError } from "./keys.ts";
import { asBuffer, cString, good, type Libcrypto, LibcryptoError, nonNull } from "./libcrypto.ts";

type Pointer = Deno.PointerObject;

/** Hands DER to a decoder of libcrypto, by way of its own memory, which it wipes. */
export function decodeDer(
  lib: Libcrypto,
  der: Uint8Array,
  decode: (input: Pointer) => Deno.PointerValue,
): Pointer | undefined {
  return withMemory(lib, (memory) => {
    const length = lib.BIO_write(memory, asBuffer(der), der.length);
    const made = length === der.length ? decode(memory) : null;
    const rest = lib.BIO_ctrl_pending(memory);
    lib.ERR_clear_error();
    return made === null || rest > 0n ? undefined : made;
  });
}

/** Takes DER from an encoder of libcrypto. */
export function encodeDer(lib: Libcrypto, call: string, encode: (out: Pointer) => number): Bytes {
  return withMemory(lib, (memory) => {
    good(encode(memory), call);
    const out = new Uint8Array(Number(lib.BIO_ctrl_pending(memory)));
    if (lib.BIO_read(memory, out, out.length) !== out.length) throw new LibcryptoError(call);
    return out;
  });
}

function withMemory<T>(lib: Libcrypto, use: (memory: Pointer) => T): T {
  const memory = nonNull(lib.BIO_new(lib.BIO_s_mem()), "BIO_new");
  try {
    return use(memory);
  } finally {
    lib.BIO_free(memory);
  }
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
