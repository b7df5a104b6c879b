/** Encryption and decryption under a key, in the form `vault:v<version>:<base64>`. */
import { type Bytes, concat, toBase64, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Platform } from "../../core/backend.ts";
import { type AeadKey, type CryptoProvider, DecryptError } from "../../crypto/provider.ts";
import type { View } from "../../storage/transaction.ts";
import { readBase64 } from "./base64.ts";
import { deriveKey, hmacSha256 } from "./derive.ts";
import type { OpenKey } from "./key_cache.ts";
import { type KeyType, keyType } from "./key_types.ts";
import { makeCipher, type Material } from "./material.ts";
import type { KeyPolicy } from "./policy.ts";
import { outgoingVersion, readVersioned, requireActive, versionPrefix } from "./versions.ts";

export interface CipherContext {
  readonly platform: Pick<Platform, "crypto" | "random">;
  readonly storage: View;
}

/** Beside the text: absent ones are empty. */
export interface CipherOptions {
  readonly context: Bytes;
  readonly nonce: Bytes;
  readonly associatedData: Bytes;
}

export interface Encrypted {
  readonly ciphertext: string;
  readonly version: number;
}

/** Bytes of the key that nonces of convergent encryption are made with. */
const NONCE_KEY_LENGTH = 32;

/** How nonces are made: 1 by the client, 2 from context and text, 3 under a key; 0 by chance. */
type ConvergentVersion = 0 | 1 | 2 | 3;

/** `version` 0 for the newest. */
export async function encrypt(
  at: CipherContext,
  key: OpenKey,
  plaintext: Uint8Array,
  options: CipherOptions,
  asked: number,
): Promise<Encrypted> {
  const { policy } = key;
  const type = requireCipher(policy, "encryption");
  const version = outgoingVersion(policy, asked, "encryption");
  const material = await key.material(at.storage, version);
  const made = type.family === "pair"
    ? await encryptByPair(material, plaintext, options)
    : seal(at, policy, material, plaintext, options);
  return { ciphertext: versionPrefix(version) + toBase64(made), version };
}

/** The reverse. Throws a 400 for whatever this key did not make. The caller wipes the text. */
export async function decrypt(
  at: CipherContext,
  key: OpenKey,
  ciphertext: string,
  options: CipherOptions,
): Promise<Bytes> {
  const { policy } = key;
  const type = requireCipher(policy, "decryption");
  const { version, body } = readVersioned(policy, ciphertext, "ciphertext");
  const sealed = decodeBody(body);
  const material = await key.material(at.storage, version);
  try {
    if (type.family !== "pair") return open(at, policy, material, sealed, options);
    refuseForPairs(options);
    return await material.signing().decrypt(sealed, "sha256");
  } catch (error) {
    if (!(error instanceof DecryptError)) throw error;
    throw badRequest(
      type.family === "pair" ? "failed to decrypt" : "cipher: message authentication failed",
    );
  }
}

function requireCipher(policy: KeyPolicy, what: string): KeyType {
  const type = keyType(policy.type);
  if (!type.encrypts) throw badRequest(`message ${what} not supported for key type ${type.name}`);
  requireActive(policy);
  return type;
}

function decodeBody(body: string): Bytes {
  try {
    return readBase64(body);
  } catch (cause) {
    throw badRequest("invalid ciphertext: could not decode base64", cause);
  }
}

async function encryptByPair(
  material: Material,
  plaintext: Uint8Array,
  options: CipherOptions,
): Promise<Bytes> {
  refuseForPairs(options);
  try {
    return await material.verifying().encrypt(plaintext, "sha256");
  } catch (error) {
    if (error instanceof RangeError) throw badRequest(error.message, error);
    throw error;
  }
}

function refuseForPairs({ associatedData, nonce }: CipherOptions): void {
  if (associatedData.length > 0) {
    throw badRequest("associated data is not supported for this type of key");
  }
  if (nonce.length > 0) throw badRequest("nonce provided when not allowed");
}

function seal(
  { platform: { crypto, random } }: CipherContext,
  policy: KeyPolicy,
  material: Material,
  plaintext: Uint8Array,
  options: CipherOptions,
): Bytes {
  const convergent = convergentVersion(policy, material);
  if (options.nonce.length > 0 && convergent !== 1) {
    throw badRequest("nonce provided when not allowed");
  }
  return withCipher(crypto, policy, material, options.context, convergent, (cipher, nonceKey) => {
    const nonce = convergent === 0
      ? random.bytes(cipher.nonceLength)
      : convergent === 1
      ? requireNonce(options.nonce, cipher)
      : hmacSha256(crypto, nonceKey, plaintext).slice(0, cipher.nonceLength);
    const sealed = cipher.seal(nonce, plaintext, options.associatedData);
    return convergent === 1 ? sealed : concat(nonce, sealed);
  });
}

function open(
  { platform: { crypto } }: CipherContext,
  policy: KeyPolicy,
  material: Material,
  sealed: Bytes,
  options: CipherOptions,
): Bytes {
  const convergent = convergentVersion(policy, material);
  if (options.nonce.length > 0 && convergent !== 1) {
    throw badRequest("nonce provided when not allowed");
  }
  return withCipher(crypto, policy, material, options.context, convergent, (cipher) => {
    if (convergent === 1) {
      return cipher.open(requireNonce(options.nonce, cipher), sealed, options.associatedData);
    }
    const { nonceLength } = cipher;
    if (sealed.length < nonceLength) throw badRequest("invalid ciphertext length");
    const body = sealed.subarray(nonceLength);
    return cipher.open(sealed.subarray(0, nonceLength), body, options.associatedData);
  });
}

function convergentVersion(policy: KeyPolicy, material: Material): ConvergentVersion {
  if (!policy.convergent) return 0;
  const number = policy.convergentVersion === -1
    ? material.convergentVersion
    // Keys that are older than the numbers.
    : policy.convergentVersion || 1;
  return number === 1 || number === 2 ? number : 3;
}

function requireNonce(nonce: Bytes, { nonceLength }: AeadKey): Bytes {
  if (nonce.length === nonceLength) return nonce;
  throw badRequest(
    `base64-decoded nonce must be ${nonceLength} bytes long when using convergent encryption with this key`,
  );
}

/** Gives the cipher, of the context where the key is derived, and the key that makes nonces. */
function withCipher(
  crypto: CryptoProvider,
  policy: KeyPolicy,
  material: Material,
  context: Bytes,
  convergent: ConvergentVersion,
  use: (cipher: AeadKey, nonceKey: Bytes) => Bytes,
): Bytes {
  if (!policy.derived) return use(material.cipher(), context);
  const { keyLength } = keyType(policy.type);
  const extra = convergent === 3 ? NONCE_KEY_LENGTH : 0;
  const derived = deriveKey(crypto, policy, material.secret, context, keyLength + extra);
  const cipher = makeCipher(crypto, policy.type, derived.subarray(0, keyLength));
  try {
    return use(cipher, convergent === 3 ? derived.subarray(keyLength) : context);
  } finally {
    cipher.destroy();
    wipe(derived);
  }
}
