/** Signatures and HMACs under a key, in the form `vault:v<version>:<base64>`. */
import { type Bytes, fromBase64Url, toBase64, toBase64Url } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { COORDINATE_LENGTHS, derToP1363 } from "../../crypto/ecdsa_format.ts";
import { HASH_LENGTHS, isHashName } from "../../crypto/hashes.ts";
import type { KeyAlgorithm, SignatureOptions } from "../../crypto/keys.ts";
import type { CryptoProvider, HashName } from "../../crypto/provider.ts";
import { longestSalt } from "../../crypto/signable.ts";
import type { View } from "../../storage/transaction.ts";
import { readBase64 } from "./base64.ts";
import type { OpenKey } from "./key_cache.ts";
import { derivedPair, publicKeyText } from "./key_info.ts";
import { keyType } from "./key_types.ts";
import type { Material } from "./material.ts";
import type { KeyPolicy } from "./policy.ts";
import { outgoingVersion, readVersioned, requireActive, versionPrefix } from "./versions.ts";

export interface SignContext {
  readonly crypto: CryptoProvider;
  readonly storage: View;
}

/** How to sign, as a request says it. */
export interface SignSettings {
  /** "none" where the data are signed as they are. */
  readonly hash: HashName | "none";
  /** Of RSA: pss or pkcs1v15; "" for the former. Not looked at for other keys. */
  readonly padding: string;
  readonly prehashed: boolean;
  readonly marshaling: "asn1" | "jws";
  /** Of PSS: as long as fits when signing and any when verifying, as the digest, or so many bytes. */
  readonly saltLength: "auto" | "hash" | number;
}

/** The digest of a name in a request: sha1, sha2-256, sha3-256 and their kin. */
export function readHash(name: string): HashName {
  const hash = name.replace(/^sha2-/, "sha");
  if (/^sha1$|^sha[23]-\d+$/.test(name) && isHashName(hash)) return hash;
  throw badRequest(`unsupported hash algorithm "${name}"`);
}

/** Throws a 400 for a key that has nothing to do with signatures, or is set aside. */
export function requireSigner(policy: KeyPolicy, what: "signing" | "verification"): void {
  if (!keyType(policy.type).signs) {
    throw badRequest(`key type ${policy.type} does not support ${what}`);
  }
  requireActive(policy);
}

/** The signature, its version, and the public key where that depends on the context. */
export async function sign(
  at: SignContext,
  key: OpenKey,
  input: Uint8Array,
  context: Uint8Array,
  asked: number,
  settings: SignSettings,
): Promise<{ signature: string; version: number; publicKey?: string }> {
  const { policy } = key;
  requireSigner(policy, "signing");
  const version = outgoingVersion(policy, asked, "signing");
  const material = await key.material(at.storage, version);
  const encode = settings.marshaling === "jws" ? toBase64Url : toBase64;
  const text = (made: Bytes) => versionPrefix(version) + encode(made);
  if (policy.derived) {
    const pair = derivedPair(at.crypto, policy, material.secret, context);
    try {
      const publicKey = publicKeyText(policy, pair.publicKey.spki());
      return { signature: text(await pair.sign(input)), version, publicKey };
    } finally {
      pair.destroy();
    }
  }
  const pair = material.signing();
  try {
    const made = await pair.sign(input, optionsFor(pair.algorithm, settings, "sign"));
    return { signature: text(made), version };
  } catch (error) {
    if (error instanceof RangeError) throw badRequest(error.message, error);
    throw error;
  }
}

/** Whether a signature is right. Throws a 400 for one that is not one at all. */
export async function verify(
  at: SignContext,
  key: OpenKey,
  input: Uint8Array,
  context: Uint8Array,
  signature: string,
  settings: SignSettings,
): Promise<boolean> {
  const { policy } = key;
  requireSigner(policy, "verification");
  const { version, body } = readVersioned(policy, signature, "signature");
  const given = decodeSignature(body, settings);
  const material = await key.material(at.storage, version);
  if (policy.derived) {
    const pair = derivedPair(at.crypto, policy, material.secret, context);
    try {
      return await pair.publicKey.verify(input, given);
    } finally {
      pair.destroy();
    }
  }
  const verifying = material.verifying();
  const { algorithm } = verifying;
  requireForm(algorithm, given, settings);
  return await verifying.verify(input, given, optionsFor(algorithm, settings, "verify"));
}

/** What is no signature at all is told apart from one that is wrong, where that can be seen. */
function requireForm(algorithm: KeyAlgorithm, given: Bytes, { marshaling }: SignSettings): void {
  if (algorithm.type !== "ecdsa") return;
  const length = COORDINATE_LENGTHS[algorithm.curve];
  const isOne = marshaling === "jws"
    ? given.length === 2 * length
    : derToP1363(given, length) !== undefined;
  if (!isOne) throw badRequest("supplied signature is invalid");
}

function decodeSignature(body: string, { marshaling }: SignSettings): Bytes {
  if (marshaling === "asn1") return readBase64(body, "invalid base64 signature value: ");
  const bytes = fromBase64Url(body);
  if (bytes === undefined) throw badRequest("invalid base64 signature value");
  return bytes;
}

function optionsFor(
  algorithm: KeyAlgorithm,
  settings: SignSettings,
  purpose: "sign" | "verify",
): SignatureOptions {
  const { hash: asked, marshaling, saltLength } = settings;
  if (algorithm.type === "ed25519") return {};
  if (asked === "none" && !(settings.prehashed && settings.padding === "pkcs1v15")) {
    throw badRequest(
      "hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15",
    );
  }
  const prehashed = asked === "none" ? "raw" : settings.prehashed;
  const hash = asked === "none" ? "sha256" : asked;
  if (algorithm.type === "ecdsa") {
    return { hash, prehashed, format: marshaling === "jws" ? "p1363" : "der" };
  }
  const padding = settings.padding || "pss";
  if (padding === "pkcs1v15") return { hash, prehashed, padding };
  if (padding !== "pss") throw badRequest(`unsupported signature algorithm ${padding}`);
  // 0 is the automatic length in Go's library, which clients of this API have come to rely on.
  const isAutomatic = saltLength === "auto" || saltLength === 0;
  const salt = isAutomatic
    ? (purpose === "sign" ? longestSalt(algorithm.bits, HASH_LENGTHS[hash]) : undefined)
    : saltLength === "hash"
    ? HASH_LENGTHS[hash]
    : saltLength;
  return { hash, prehashed, padding, ...(salt === undefined ? {} : { saltLength: salt }) };
}

/** An HMAC of a version; 0 for the newest. */
export async function makeHmac(
  at: SignContext,
  key: OpenKey,
  input: Uint8Array,
  hash: HashName,
  asked: number,
): Promise<string> {
  const { policy } = key;
  requireActive(policy);
  const version = outgoingVersion(policy, asked, "HMAC");
  const material = await key.material(at.storage, version);
  return versionPrefix(version) + toBase64(hmacOf(material, hash, input));
}

/** Whether an HMAC is right, compared in constant time. */
export async function checkHmac(
  at: SignContext,
  key: OpenKey,
  input: Uint8Array,
  hash: HashName,
  given: string,
): Promise<boolean> {
  const { policy } = key;
  requireActive(policy);
  const { version, body } = readVersioned(policy, given, "HMAC to verify");
  const mac = readBase64(body, "invalid base64 HMAC value: ");
  const material = await key.material(at.storage, version);
  return at.crypto.equal(hmacOf(material, hash, input), mac);
}

function hmacOf(material: Material, hash: HashName, input: Uint8Array): Bytes {
  return material.hmac(hash).sign(input);
}
