/**
 * Key pairs by libcrypto. A key is an EVP_PKEY outside the heap; every operation has a context of
 * its own, since EVP_PKEY may be shared by threads and EVP_MD_CTX may not. RSA, P-384 and P-521
 * work on another thread; P-256 and Ed25519 take less than handing them over would.
 */
import { type Bytes, wipe } from "../base/bytes.ts";
import { fromLibraryForm, toLibraryForm } from "./ecdsa_format.ts";
import {
  type KeyAlgorithm,
  KeyFormatError,
  type KeyKind,
  type KeyProvider,
  type SignatureHash,
  type SignatureOptions,
  type SigningKey,
  type VerifyingKey,
} from "./keys.ts";
import { cString, good, type Libcrypto, LibcryptoError, nonNull, pinnedCopy } from "./libcrypto.ts";
import { decodeDer, encodeDer, readAlgorithm } from "./openssl_der.ts";
import { OPENSSL_NAMES } from "./openssl_hash.ts";
import {
  type ContextParts,
  decryptOaep,
  encryptOaep,
  signDigest,
  verifyDigest,
} from "./openssl_pkey_ctx.ts";
import type { HashName } from "./provider.ts";
import { publicOfPkcs8 } from "./key_forms.ts";
import { inTurn } from "./rsa_generation.ts";
import { checkSignable } from "./signable.ts";

type Pointer = Deno.PointerObject;

/** OpenSSL's numbers (NID) of the curves. */
const CURVE_IDS = { "ecdsa-p256": 415, "ecdsa-p384": 715, "ecdsa-p521": 716 } as const;

/** EVP_PKEY_CTX_set_rsa_padding and _pss_saltlen take these. */
const PKCS1 = 1;
const PSS = 6;
const SALT_AS_DIGEST = -1;
const SALT_ANY = -2;

/** Data beyond this are hashed on another thread too. */
const INLINE_MAX = 16_384;

/** Longest signature, bytes: RSA of 16,384 bits. */
const SIGNATURE_MAX = 2048;

/** The `KeyProvider` over an opened libcrypto. */
export function opensslKeys(lib: Libcrypto): KeyProvider {
  const shared = new Shared(lib);
  return {
    async generate(kind) {
      return new OpensslSigningKey(shared, await shared.generate(kind));
    },
    importPkcs8(der) {
      const key = decodeDer(lib, der, (input) => lib.d2i_PrivateKey_bio(input, null));
      if (key === undefined) throw new KeyFormatError("not a private key in PKCS #8");
      return new OpensslSigningKey(shared, key);
    },
    importSpki: (der) => OpensslVerifyingKey.of(shared, shared.publicKey(der)),
  };
}

/** What all keys of one library share. */
class Shared {
  readonly #digests = new Map<SignatureHash, Pointer>();
  readonly #lost: FinalizationRegistry<Pointer>;
  readonly parts: ContextParts;

  constructor(readonly lib: Libcrypto) {
    this.parts = {
      lib,
      digest: (hash) => this.#digest(hash),
      pad: (context, options, verifying) => this.#padding(context, options, verifying),
    };
    this.#lost = new FinalizationRegistry((key) => lib.EVP_PKEY_free(key));
  }

  /** Frees the key when its owner is collected. */
  own(owner: object, key: Pointer): void {
    this.#lost.register(owner, key, owner);
  }

  free(owner: object, key: Pointer): void {
    this.#lost.unregister(owner);
    this.lib.EVP_PKEY_free(key);
  }

  publicKey(der: Uint8Array): Pointer {
    const { lib } = this;
    const key = decodeDer(lib, der, (input) => lib.d2i_PUBKEY_bio(input, null));
    if (key === undefined) throw new KeyFormatError("not a public key");
    return key;
  }

  async generate(kind: KeyKind): Promise<Pointer> {
    const { lib } = this;
    if (kind === "ed25519") {
      // RFC 8032: any 32 random bytes are a private key.
      const seed = crypto.getRandomValues(new Uint8Array(32));
      const name = cString("ED25519");
      const made = lib.EVP_PKEY_new_raw_private_key_ex(null, name, null, seed, 32n);
      wipe(seed);
      return nonNull(made, "EVP_PKEY_new_raw_private_key_ex");
    }
    if (kind === "ecdsa-p256" || kind === "ecdsa-p384" || kind === "ecdsa-p521") {
      return await this.#generateEc(CURVE_IDS[kind]);
    }
    return await inTurn(() => this.#generateRsa(Number(kind.slice(4))));
  }

  async #generateEc(curve: number): Promise<Pointer> {
    const { lib } = this;
    const made = nonNull(lib.EC_KEY_new_by_curve_name(curve), "EC_KEY_new_by_curve_name");
    try {
      // P-256 takes 20 µs, less than handing it to another thread.
      const run = curve === CURVE_IDS["ecdsa-p256"]
        ? lib.EC_KEY_generate_key
        : lib.generate_ec_off_loop;
      good(await run(made), "EC_KEY_generate_key");
      return this.#wrapped((key) => lib.EVP_PKEY_set1_EC_KEY(key, made));
    } finally {
      lib.EC_KEY_free(made);
    }
  }

  async #generateRsa(bits: number): Promise<Pointer> {
    const { lib } = this;
    const made = nonNull(lib.RSA_new(), "RSA_new");
    const exponent = nonNull(lib.BN_new(), "BN_new");
    try {
      good(lib.BN_set_word(exponent, 65_537n), "BN_set_word");
      const done = await lib.RSA_generate_key_ex(made, bits, exponent, null);
      good(done, "RSA_generate_key_ex");
      return this.#wrapped((key) => lib.EVP_PKEY_set1_RSA(key, made));
    } finally {
      lib.RSA_free(made);
      lib.BN_free(exponent);
    }
  }

  /** An EVP_PKEY that holds a reference to what `set` puts in. */
  #wrapped(set: (key: Pointer) => number): Pointer {
    const key = nonNull(this.lib.EVP_PKEY_new(), "EVP_PKEY_new");
    if (set(key) === 1) return key;
    this.lib.EVP_PKEY_free(key);
    throw new LibcryptoError("EVP_PKEY_set1");
  }

  /** A context ready to sign or verify; the caller frees it. */
  prepare(
    key: Pointer,
    algorithm: KeyAlgorithm,
    options: SignatureOptions,
    verifying: boolean,
  ): Pointer {
    const { lib } = this;
    const context = nonNull(lib.EVP_MD_CTX_new(), "EVP_MD_CTX_new");
    const digest = algorithm.type === "ed25519" ? null : this.#digest(options.hash ?? "sha256");
    const init = verifying ? lib.EVP_DigestVerifyInit : lib.EVP_DigestSignInit;
    try {
      good(init(context, null, digest, null, key), "EVP_DigestSignInit");
      if (algorithm.type === "rsa") {
        const inner = nonNull(lib.EVP_MD_CTX_get_pkey_ctx(context), "EVP_MD_CTX_get_pkey_ctx");
        this.#padding(inner, options, verifying);
      }
    } catch (error) {
      lib.EVP_MD_CTX_free(context);
      lib.ERR_clear_error();
      throw error;
    }
    return context;
  }

  #padding(inner: Pointer, options: SignatureOptions, verifying: boolean): void {
    const { lib } = this;
    const pss = options.padding !== "pkcs1v15";
    good(lib.EVP_PKEY_CTX_set_rsa_padding(inner, pss ? PSS : PKCS1), "set_rsa_padding");
    if (!pss) return;
    const salt = options.saltLength ?? (verifying ? SALT_ANY : SALT_AS_DIGEST);
    good(lib.EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, salt), "set_rsa_pss_saltlen");
  }

  #digest(hash: SignatureHash): Pointer {
    let digest = this.#digests.get(hash);
    if (digest === undefined) {
      digest = nonNull(this.lib.EVP_MD_fetch(null, cString(OPENSSL_NAMES[hash]), null), hash);
      this.#digests.set(hash, digest);
    }
    return digest;
  }
}

/** Whether an operation is so short that another thread would only delay it. */
function isShort(algorithm: KeyAlgorithm, data: Uint8Array): boolean {
  const fast = algorithm.type === "ed25519" ||
    (algorithm.type === "ecdsa" && algorithm.curve === "p256");
  return fast && data.length <= INLINE_MAX;
}

/** Ed25519 has no form for digests. */
function isOfDigest(algorithm: KeyAlgorithm, { prehashed = false }: SignatureOptions): boolean {
  return prehashed !== false && algorithm.type !== "ed25519";
}

class OpensslVerifyingKey implements VerifyingKey {
  readonly #shared: Shared;
  readonly #spki: Bytes;
  #key: Pointer | undefined;

  /** Decoded when first used: whoever makes a key often wants its bytes only. */
  constructor(shared: Shared, readonly algorithm: KeyAlgorithm, spki: Bytes) {
    this.#shared = shared;
    this.#spki = spki;
  }

  /** Owns the pointer. */
  static of(shared: Shared, key: Pointer): OpensslVerifyingKey {
    const { lib } = shared;
    try {
      const spki = encodeDer(lib, "i2d_PUBKEY_bio", (out) => lib.i2d_PUBKEY_bio(out, key));
      const made = new OpensslVerifyingKey(shared, readAlgorithm(lib, key), spki);
      made.#keep(key);
      return made;
    } catch (error) {
      lib.EVP_PKEY_free(key);
      throw error;
    }
  }

  #keep(key: Pointer): Pointer {
    this.#shared.own(this, key);
    this.#key = key;
    return key;
  }

  #decoded(): Pointer {
    return this.#key ?? this.#keep(this.#shared.publicKey(this.#spki));
  }

  async verify(
    data: Uint8Array,
    signature: Uint8Array,
    options: SignatureOptions = {},
  ): Promise<boolean> {
    const { algorithm } = this;
    const given = toLibraryForm(signature, algorithm, options);
    if (given === undefined || given.length === 0) return false;
    const { lib, parts } = this.#shared;
    if (isOfDigest(algorithm, options)) {
      const short = isShort(algorithm, data);
      return await verifyDigest(parts, this.#decoded(), algorithm, data, given, options, short);
    }
    const context = this.#shared.prepare(this.#decoded(), algorithm, options, true);
    // Another thread reads these: they must neither move nor change.
    const [sign, body] = [pinnedCopy(given), pinnedCopy(data)];
    const lengths = [BigInt(sign.length), BigInt(body.length)] as const;
    const run = isShort(algorithm, data) ? lib.EVP_DigestVerify : lib.verify_off_loop;
    try {
      return await run(context, sign, lengths[0], body, lengths[1]) === 1;
    } finally {
      // Also keeps them reachable until the other thread is done.
      wipe(sign, body);
      lib.EVP_MD_CTX_free(context);
      lib.ERR_clear_error();
    }
  }

  encrypt(data: Uint8Array, hash: HashName): Promise<Bytes> {
    return encryptOaep(this.#shared.parts, this.#decoded(), this.algorithm, data, hash);
  }

  spki(): Bytes {
    return this.#spki.slice();
  }
}

class OpensslSigningKey implements SigningKey {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: VerifyingKey;
  readonly #shared: Shared;
  #key: Pointer | undefined;

  /** Owns the pointer. */
  constructor(shared: Shared, key: Pointer) {
    this.#shared = shared;
    this.#key = key;
    shared.own(this, key);
    this.algorithm = readAlgorithm(shared.lib, key);
    this.publicKey = new OpensslVerifyingKey(shared, this.algorithm, this.#publicBytes(key));
  }

  /** libcrypto takes 250 µs to write a public key, and 20 for the whole one, which holds it. */
  #publicBytes(key: Pointer): Bytes {
    const { lib } = this.#shared;
    const pkcs8 = this.pkcs8();
    try {
      return publicOfPkcs8(pkcs8) ??
        encodeDer(lib, "i2d_PUBKEY_bio", (out) => lib.i2d_PUBKEY_bio(out, key));
    } finally {
      wipe(pkcs8);
    }
  }

  async sign(data: Uint8Array, options: SignatureOptions = {}): Promise<Bytes> {
    return fromLibraryForm(await this.#signDer(data, options), this.algorithm, options);
  }

  pkcs8(): Bytes {
    const { lib } = this.#shared;
    const key = this.#present();
    const call = "i2d_PKCS8PrivateKeyInfo_bio";
    return encodeDer(lib, call, (out) => lib.i2d_PKCS8PrivateKeyInfo_bio(out, key));
  }

  destroy(): void {
    const key = this.#key;
    this.#key = undefined;
    // An EVP_MD_CTX holds a reference of its own, so signatures under way end undisturbed.
    if (key !== undefined) this.#shared.free(this, key);
  }

  async decrypt(data: Uint8Array, hash: HashName): Promise<Bytes> {
    return await decryptOaep(this.#shared.parts, this.#present(), this.algorithm, data, hash);
  }

  async #signDer(data: Uint8Array, options: SignatureOptions): Promise<Bytes> {
    const { algorithm } = this;
    checkSignable(algorithm, data, options);
    const { lib, parts } = this.#shared;
    if (isOfDigest(algorithm, options)) {
      const short = isShort(algorithm, data);
      return await signDigest(parts, this.#present(), algorithm, data, options, short);
    }
    const context = this.#shared.prepare(this.#present(), this.algorithm, options, false);
    // Another thread reads and writes these: they must neither move nor change.
    const out = new Uint8Array(new ArrayBuffer(SIGNATURE_MAX));
    const length = new BigUint64Array(new ArrayBuffer(8));
    length[0] = BigInt(SIGNATURE_MAX);
    const body = pinnedCopy(data);
    const run = isShort(this.algorithm, data) ? lib.EVP_DigestSign : lib.sign_off_loop;
    try {
      good(await run(context, out, length, body, BigInt(body.length)), "EVP_DigestSign");
      return out.slice(0, Number(length[0]));
    } finally {
      // Also keeps it reachable until the other thread is done.
      wipe(body);
      lib.EVP_MD_CTX_free(context);
      lib.ERR_clear_error();
    }
  }

  #present(): Pointer {
    if (this.#key === undefined) throw new Error("the key was destroyed");
    return this.#key;
  }
}
