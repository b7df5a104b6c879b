/**
 * OpenSSL 3's libcrypto through Deno's foreign function interface: the symbols that Holdfast calls,
 * and how the library is found. Names and contracts are those of OpenSSL's man pages. Only calls
 * that need no pointer to be read or made by us: those would need the permission for all libraries,
 * while these work with the permission for this one.
 */

const CONTEXT = { parameters: ["pointer"], result: "void" } as const;
const FETCH = { parameters: ["pointer", "buffer", "pointer"], result: "pointer" } as const;
const MAKE = { parameters: [], result: "pointer" } as const;
const FEED = { parameters: ["pointer", "buffer", "usize"], result: "i32" } as const;
const SIGN = {
  parameters: ["pointer", "buffer", "buffer", "buffer", "usize"],
  result: "i32",
} as const;
const VERIFY = {
  parameters: ["pointer", "buffer", "usize", "buffer", "usize"],
  result: "i32",
} as const;
/** An operation of EVP_PKEY_CTX from one buffer into another, whose length it writes. */
const TURN = {
  parameters: ["pointer", "buffer", "buffer", "buffer", "usize"],
  result: "i32",
} as const;
const PREPARE = { parameters: ["pointer"], result: "i32" } as const;
const CHOOSE = { parameters: ["pointer", "pointer"], result: "i32" } as const;

/** What is called of libcrypto. All of it exists since OpenSSL 3.0. */
export const SYMBOLS = {
  OpenSSL_version_num: { parameters: [], result: "u64" },
  ERR_clear_error: { parameters: [], result: "void" },
  CRYPTO_memcmp: { parameters: ["buffer", "buffer", "usize"], result: "i32" },

  EVP_CIPHER_fetch: FETCH,
  EVP_CIPHER_CTX_new: MAKE,
  EVP_CIPHER_CTX_free: CONTEXT,
  EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "buffer"], result: "i32" },
  EVP_CipherInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_CipherUpdate: { parameters: ["pointer", "buffer", "buffer", "buffer", "i32"], result: "i32" },
  EVP_CipherFinal_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },

  EVP_MD_fetch: FETCH,
  EVP_MD_CTX_new: MAKE,
  EVP_DigestInit_ex2: { parameters: ["pointer", "pointer", "pointer"], result: "i32" },
  EVP_DigestUpdate: FEED,
  EVP_DigestFinal_ex: { parameters: ["pointer", "buffer", "pointer"], result: "i32" },

  EVP_MD_CTX_free: CONTEXT,
  EVP_PKEY_free: CONTEXT,
  EVP_PKEY_get_bits: { parameters: ["pointer"], result: "i32" },
  EVP_PKEY_is_a: { parameters: ["pointer", "buffer"], result: "i32" },
  EVP_PKEY_get_group_name: {
    parameters: ["pointer", "buffer", "usize", "buffer"],
    result: "i32",
  },
  EVP_MD_CTX_get_pkey_ctx: { parameters: ["pointer"], result: "pointer" },
  EVP_PKEY_CTX_set_rsa_padding: { parameters: ["pointer", "i32"], result: "i32" },
  EVP_PKEY_CTX_set_rsa_pss_saltlen: { parameters: ["pointer", "i32"], result: "i32" },
  EVP_PKEY_new: MAKE,
  EVP_PKEY_new_raw_private_key_ex: {
    parameters: ["pointer", "buffer", "pointer", "buffer", "usize"],
    result: "pointer",
  },
  EVP_PKEY_set1_EC_KEY: { parameters: ["pointer", "pointer"], result: "i32" },
  EVP_PKEY_set1_RSA: { parameters: ["pointer", "pointer"], result: "i32" },
  EC_KEY_new_by_curve_name: { parameters: ["i32"], result: "pointer" },
  EC_KEY_generate_key: { parameters: ["pointer"], result: "i32" },
  generate_ec_off_loop: {
    name: "EC_KEY_generate_key",
    parameters: ["pointer"],
    result: "i32",
    nonblocking: true,
  },
  EC_KEY_free: CONTEXT,
  RSA_new: MAKE,
  RSA_generate_key_ex: {
    parameters: ["pointer", "i32", "pointer", "pointer"],
    result: "i32",
    nonblocking: true,
  },
  RSA_free: CONTEXT,
  BN_new: MAKE,
  BN_set_word: { parameters: ["pointer", "u64"], result: "i32" },
  BN_free: CONTEXT,
  EVP_DigestSignInit: {
    parameters: ["pointer", "buffer", "pointer", "pointer", "pointer"],
    result: "i32",
  },
  EVP_DigestVerifyInit: {
    parameters: ["pointer", "buffer", "pointer", "pointer", "pointer"],
    result: "i32",
  },
  EVP_DigestSign: SIGN,
  sign_off_loop: { ...SIGN, name: "EVP_DigestSign", nonblocking: true },
  EVP_DigestVerify: VERIFY,
  verify_off_loop: { ...VERIFY, name: "EVP_DigestVerify", nonblocking: true },

  EVP_PKEY_CTX_new: { parameters: ["pointer", "pointer"], result: "pointer" },
  EVP_PKEY_CTX_free: CONTEXT,
  EVP_PKEY_CTX_set_signature_md: CHOOSE,
  EVP_PKEY_CTX_set_rsa_oaep_md: CHOOSE,
  EVP_PKEY_CTX_set_rsa_mgf1_md: CHOOSE,
  EVP_PKEY_sign_init: PREPARE,
  EVP_PKEY_sign: TURN,
  sign_digest_off_loop: { ...TURN, name: "EVP_PKEY_sign", nonblocking: true },
  EVP_PKEY_verify_init: PREPARE,
  EVP_PKEY_verify: VERIFY,
  verify_digest_off_loop: { ...VERIFY, name: "EVP_PKEY_verify", nonblocking: true },
  EVP_PKEY_encrypt_init: PREPARE,
  EVP_PKEY_encrypt: TURN,
  EVP_PKEY_decrypt_init: PREPARE,
  EVP_PKEY_decrypt: { ...TURN, nonblocking: true },

  BIO_s_mem: MAKE,
  BIO_new: { parameters: ["pointer"], result: "pointer" },
  BIO_free: { parameters: ["pointer"], result: "i32" },
  BIO_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  BIO_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  BIO_ctrl_pending: { parameters: ["pointer"], result: "usize" },
  d2i_PrivateKey_bio: { parameters: ["pointer", "pointer"], result: "pointer" },
  d2i_PUBKEY_bio: { parameters: ["pointer", "pointer"], result: "pointer" },
  i2d_PUBKEY_bio: { parameters: ["pointer", "pointer"], result: "i32" },
  i2d_PKCS8PrivateKeyInfo_bio: { parameters: ["pointer", "pointer"], result: "i32" },

  EVP_MAC_fetch: FETCH,
  EVP_MAC_CTX_new: { parameters: ["pointer"], result: "pointer" },
  EVP_MAC_CTX_free: CONTEXT,
  EVP_MAC_init: { parameters: ["pointer", "buffer", "usize", "pointer"], result: "i32" },
  OSSL_PARAM_BLD_new: MAKE,
  OSSL_PARAM_BLD_free: CONTEXT,
  OSSL_PARAM_BLD_push_utf8_string: {
    parameters: ["pointer", "buffer", "buffer", "usize"],
    result: "i32",
  },
  OSSL_PARAM_BLD_to_param: { parameters: ["pointer"], result: "pointer" },
  OSSL_PARAM_free: CONTEXT,
  EVP_MAC_update: FEED,
  EVP_MAC_final: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The opened library. */
export type Libcrypto = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** An opened library and the version it reports, for instance "3.0.19". */
export interface OpenedLibcrypto {
  readonly symbols: Libcrypto;
  readonly version: string;
}

/**
 * Where distributions keep it. A bare name is searched by the loader and needs the permission for
 * every library; the paths serve a process that was given one of them.
 */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  linux: [
    "libcrypto.so.3",
    `/usr/lib/${Deno.build.arch}-linux-gnu/libcrypto.so.3`,
    "/usr/lib64/libcrypto.so.3",
    "/usr/lib/libcrypto.so.3",
  ],
  darwin: [
    "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
    "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
  ],
  freebsd: ["libcrypto.so.30", "libcrypto.so.3"],
};

/**
 * Opens the system's libcrypto, or undefined where there is none, where it is older than 3.0, or
 * where the process may not use the foreign function interface (it never asks for permission).
 */
export function openLibcrypto(): OpenedLibcrypto | undefined {
  for (const name of NAMES[Deno.build.os] ?? []) {
    if (!mayOpen(name)) continue;
    const symbols = tryOpen(name);
    if (symbols === undefined) continue;
    const version = versionOf(symbols);
    if (version !== undefined) return { symbols, version };
  }
  return undefined;
}

function mayOpen(path: string): boolean {
  const every = Deno.permissions.querySync({ name: "ffi" }).state;
  return every === "granted" || Deno.permissions.querySync({ name: "ffi", path }).state ===
      "granted";
}

function tryOpen(name: string): Libcrypto | undefined {
  try {
    return Deno.dlopen(name, SYMBOLS).symbols;
  } catch (error) {
    // Absent, of another architecture or without one of the symbols: the next name, and in the
    // end the portable provider, which the log names.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Encoded as 0xMNN00PP0; undefined below 3.0. */
function versionOf(symbols: Libcrypto): string | undefined {
  const number = Number(symbols.OpenSSL_version_num());
  const major = number >>> 28;
  if (major < 3) return undefined;
  return `${major}.${(number >>> 20) & 0xff}.${(number >>> 4) & 0xff}`;
}

/** Text as C wants it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** A call into libcrypto that should not fail has failed: out of memory, or a bug of ours. */
export class LibcryptoError extends Error {
  override name = "LibcryptoError";

  constructor(call: string) {
    super(`${call} of libcrypto failed`);
  }
}

/** A pointer that must be there. */
export function nonNull(pointer: Deno.PointerValue, call: string): Deno.PointerObject {
  if (pointer === null) throw new LibcryptoError(call);
  return pointer;
}

/** OpenSSL's "1 is good". */
export function good(result: number, call: string): void {
  if (result !== 1) throw new LibcryptoError(call);
}

/**
 * What Deno's types call a buffer. They leave out views of shared memory, which the calls take just
 * as well, so nothing is looked at: asking a small view for its buffer would move it off the heap.
 */
export function asBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!isBuffer(bytes)) throw new TypeError("bytes were expected");
  return bytes;
}

function isBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(bytes);
}

/** A copy whose address does not change: small arrays live on the heap unless made so. */
export function pinnedCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(new ArrayBuffer(Math.max(1, bytes.length)));
  out.set(bytes);
  return bytes.length === 0 ? out.subarray(0, 0) : out;
}
