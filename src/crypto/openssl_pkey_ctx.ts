/**
 * What libcrypto does with an EVP_PKEY_CTX: signatures of digests that are there already, and
 * RSA-OAEP. Each call has a context of its own; what takes long works on another thread.
 */
import { type Bytes, wipe } from "../base/bytes.ts";
import { HASH_LENGTHS } from "./hashes.ts";
import { type KeyAlgorithm, requireRsa, type SignatureOptions } from "./keys.ts";
import { good, type Libcrypto, LibcryptoError, nonNull, pinnedCopy } from "./libcrypto.ts";
import { DecryptError, type HashName } from "./provider.ts";
import { longestOaep } from "./signable.ts";

type Pointer = Deno.PointerObject;

/** What the calls here need of whoever holds the key. */
export interface ContextParts {
  readonly lib: Libcrypto;
  readonly digest: (hash: HashName) => Pointer;
  /** Sets padding and salt of RSA. */
  readonly pad: (context: Pointer, options: SignatureOptions, verifying: boolean) => void;
}

const OAEP = 4;

/** Longest output of any operation, bytes: RSA of 16,384 bits. */
const OUTPUT_MAX = 2048;

/** Signs a digest. `isShort`: another thread would only delay it. */
export async function signDigest(
  parts: ContextParts,
  key: Pointer,
  algorithm: KeyAlgorithm,
  digest: Uint8Array,
  options: SignatureOptions,
  isShort: boolean,
): Promise<Bytes> {
  const { lib } = parts;
  return await withContext(lib, key, lib.EVP_PKEY_sign_init, async (context) => {
    prepare(parts, context, algorithm, options, false);
    const made = await turn(
      isShort ? lib.EVP_PKEY_sign : lib.sign_digest_off_loop,
      context,
      digest,
    );
    if (made === undefined) throw new LibcryptoError("EVP_PKEY_sign");
    return made;
  });
}

/** Whether a signature is one of this digest. */
export async function verifyDigest(
  parts: ContextParts,
  key: Pointer,
  algorithm: KeyAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
  options: SignatureOptions,
  isShort: boolean,
): Promise<boolean> {
  const { lib } = parts;
  return await withContext(lib, key, lib.EVP_PKEY_verify_init, async (context) => {
    prepare(parts, context, algorithm, options, true);
    // Another thread reads these: they must neither move nor change.
    const [sign, body] = [pinnedCopy(signature), pinnedCopy(digest)];
    const run = isShort ? lib.EVP_PKEY_verify : lib.verify_digest_off_loop;
    const done = await run(context, sign, BigInt(sign.length), body, BigInt(body.length));
    wipe(sign, body);
    return done === 1;
  });
}

/** RSA-OAEP under a public key. */
export async function encryptOaep(
  parts: ContextParts,
  key: Pointer,
  algorithm: KeyAlgorithm,
  data: Uint8Array,
  hash: HashName,
): Promise<Bytes> {
  const most = longestOaep(requireRsa(algorithm), HASH_LENGTHS[hash]);
  if (data.length > most) throw new RangeError(`this key encrypts at most ${most} bytes`);
  const { lib } = parts;
  return await withContext(lib, key, lib.EVP_PKEY_encrypt_init, async (context) => {
    oaep(parts, context, hash);
    const made = await turn(lib.EVP_PKEY_encrypt, context, data);
    if (made === undefined) throw new LibcryptoError("EVP_PKEY_encrypt");
    return made;
  });
}

/** The reverse, on another thread. Throws `DecryptError`. */
export async function decryptOaep(
  parts: ContextParts,
  key: Pointer,
  algorithm: KeyAlgorithm,
  data: Uint8Array,
  hash: HashName,
): Promise<Bytes> {
  requireRsa(algorithm);
  const { lib } = parts;
  return await withContext(lib, key, lib.EVP_PKEY_decrypt_init, async (context) => {
    oaep(parts, context, hash);
    const made = await turn(lib.EVP_PKEY_decrypt, context, data);
    if (made === undefined) throw new DecryptError("decryption failed");
    return made;
  });
}

function prepare(
  { lib, digest, pad }: ContextParts,
  context: Pointer,
  algorithm: KeyAlgorithm,
  options: SignatureOptions,
  verifying: boolean,
): void {
  if (algorithm.type !== "rsa") return;
  if (options.prehashed !== "raw") {
    const done = lib.EVP_PKEY_CTX_set_signature_md(context, digest(options.hash ?? "sha256"));
    good(done, "EVP_PKEY_CTX_set_signature_md");
  }
  pad(context, options, verifying);
}

function oaep({ lib, digest }: ContextParts, context: Pointer, hash: HashName): void {
  good(lib.EVP_PKEY_CTX_set_rsa_padding(context, OAEP), "set_rsa_padding");
  good(lib.EVP_PKEY_CTX_set_rsa_oaep_md(context, digest(hash)), "set_rsa_oaep_md");
  good(lib.EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest(hash)), "set_rsa_mgf1_md");
}

async function withContext<T>(
  lib: Libcrypto,
  key: Pointer,
  init: (context: Pointer) => number,
  use: (context: Pointer) => Promise<T>,
): Promise<T> {
  // A context holds a reference to the key of its own.
  const context = nonNull(lib.EVP_PKEY_CTX_new(key, null), "EVP_PKEY_CTX_new");
  try {
    good(init(context), "EVP_PKEY_CTX init");
    return await use(context);
  } finally {
    lib.EVP_PKEY_CTX_free(context);
    lib.ERR_clear_error();
  }
}

type Turn = (
  context: Pointer,
  out: Bytes,
  length: BigUint64Array<ArrayBuffer>,
  data: Bytes,
  dataLength: bigint,
) => number | Promise<number>;

/** Undefined where libcrypto refuses. */
async function turn(run: Turn, context: Pointer, data: Uint8Array): Promise<Bytes | undefined> {
  const out = new Uint8Array(new ArrayBuffer(OUTPUT_MAX));
  const length = new BigUint64Array(new ArrayBuffer(8));
  length[0] = BigInt(OUTPUT_MAX);
  const body = pinnedCopy(data);
  try {
    const done = await run(context, out, length, body, BigInt(body.length));
    return done === 1 ? out.slice(0, Number(length[0])) : undefined;
  } finally {
    // Also keeps them reachable until another thread is done.
    wipe(body, out);
  }
}
