/** Digests and HMAC by libcrypto, with contexts that are made once and used again. */
import type { Bytes } from "../base/bytes.ts";
import { asBuffer, cString, good, type Libcrypto, nonNull, pinnedCopy } from "./libcrypto.ts";
import { HASH_LENGTHS, HASH_NAMES } from "./hashes.ts";
import type { HashName, HmacKey } from "./provider.ts";

type Pointer = Deno.PointerObject;

/** What OpenSSL calls them. */
export const OPENSSL_NAMES: Readonly<Record<HashName, string>> = {
  "sha1": "SHA1",
  "sha224": "SHA2-224",
  "sha256": "SHA2-256",
  "sha384": "SHA2-384",
  "sha512": "SHA2-512",
  "sha3-224": "SHA3-224",
  "sha3-256": "SHA3-256",
  "sha3-384": "SHA3-384",
  "sha3-512": "SHA3-512",
};

/** `hash` of the provider. One context a digest: calls are synchronous, so they can't interleave. */
export function opensslHash(lib: Libcrypto): (name: HashName, data: Uint8Array) => Bytes {
  const contexts = new Map<HashName, Pointer>();
  for (const name of HASH_NAMES) {
    const digest = nonNull(lib.EVP_MD_fetch(null, cString(OPENSSL_NAMES[name]), null), name);
    const context = nonNull(lib.EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    good(lib.EVP_DigestInit_ex2(context, digest, null), "EVP_DigestInit_ex2");
    contexts.set(name, context);
  }
  return (name, data) => {
    const context = nonNull(contexts.get(name) ?? null, name);
    const out = new Uint8Array(HASH_LENGTHS[name]);
    good(lib.EVP_DigestUpdate(context, asBuffer(data), BigInt(data.length)), "EVP_DigestUpdate");
    good(lib.EVP_DigestFinal_ex(context, out, null), "EVP_DigestFinal_ex");
    // Made ready for the next call here, which also clears what this one left behind.
    good(lib.EVP_DigestInit_ex2(context, null, null), "EVP_DigestInit_ex2");
    return out;
  };
}

/** `hmacKey` of the provider. */
export function opensslHmac(lib: Libcrypto): (name: HashName, key: Uint8Array) => HmacKey {
  const mac = nonNull(lib.EVP_MAC_fetch(null, cString("HMAC"), null), "EVP_MAC_fetch");
  const lost = new FinalizationRegistry<Pointer>((context) => lib.EVP_MAC_CTX_free(context));
  return (name, key) => {
    const context = nonNull(lib.EVP_MAC_CTX_new(mac), "EVP_MAC_CTX_new");
    // A null key would mean "as before": an empty one is given as a pointer and length 0.
    const bytes = key.length === 0 ? new Uint8Array(1) : asBuffer(key);
    const digest = digestParameter(lib, OPENSSL_NAMES[name]);
    const done = lib.EVP_MAC_init(context, bytes, BigInt(key.length), digest);
    lib.OSSL_PARAM_free(digest);
    good(done, "EVP_MAC_init");
    const made = new OpensslHmacKey(lib, context, HASH_LENGTHS[name], (k) => lost.unregister(k));
    lost.register(made, context, made);
    return made;
  };
}

class OpensslHmacKey implements HmacKey {
  readonly #lib: Libcrypto;
  readonly #length: number;
  readonly #onDestroy: (self: OpensslHmacKey) => void;
  #context: Pointer | undefined;

  constructor(
    lib: Libcrypto,
    context: Pointer,
    length: number,
    onDestroy: (self: OpensslHmacKey) => void,
  ) {
    this.#lib = lib;
    this.#context = context;
    this.#length = length;
    this.#onDestroy = onDestroy;
  }

  sign(data: Uint8Array): Bytes {
    const lib = this.#lib;
    const context = this.#context;
    if (context === undefined) throw new Error("the key was destroyed");
    const out = new Uint8Array(this.#length);
    good(lib.EVP_MAC_init(context, null, 0n, null), "EVP_MAC_init");
    good(lib.EVP_MAC_update(context, asBuffer(data), BigInt(data.length)), "EVP_MAC_update");
    good(lib.EVP_MAC_final(context, out, written, BigInt(this.#length)), "EVP_MAC_final");
    return out;
  }

  destroy(): void {
    if (this.#context !== undefined) this.#lib.EVP_MAC_CTX_free(this.#context);
    this.#context = undefined;
    this.#onDestroy(this);
  }
}

/** A size_t that libcrypto writes; the lengths are known beforehand. */
const written = new Uint8Array(8);

/** The parameters { digest: name }; the caller frees them. */
function digestParameter(lib: Libcrypto, digest: string): Pointer {
  const builder = nonNull(lib.OSSL_PARAM_BLD_new(), "OSSL_PARAM_BLD_new");
  // The builder keeps the address of the value until the parameters are made: it must not move.
  const value = pinnedCopy(cString(digest));
  const length = BigInt(digest.length);
  const pushed = lib.OSSL_PARAM_BLD_push_utf8_string(builder, cString("digest"), value, length);
  good(pushed, "OSSL_PARAM_BLD_push_utf8_string");
  const made = lib.OSSL_PARAM_BLD_to_param(builder);
  lib.OSSL_PARAM_BLD_free(builder);
  // Keeps it reachable until here, too.
  value.fill(0);
  return nonNull(made, "OSSL_PARAM_BLD_to_param");
}
