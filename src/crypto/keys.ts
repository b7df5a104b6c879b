/**
 * Key pairs that sign: one interface for JWTs, transit and PKI. Whatever takes longer than a few
 * tens of microseconds runs off the event loop, so every operation is a promise.
 */
import { type Bytes, fromBase64, toBase64 } from "../base/bytes.ts";
import type { HashName } from "./provider.ts";

/** Kinds of keys that can be made. */
export type KeyKind =
  | "ecdsa-p256"
  | "ecdsa-p384"
  | "ecdsa-p521"
  | "ed25519"
  | "rsa-2048"
  | "rsa-3072"
  | "rsa-4096";

/** All of them. */
export const KEY_KINDS: readonly KeyKind[] = [
  "ecdsa-p256",
  "ecdsa-p384",
  "ecdsa-p521",
  "ed25519",
  "rsa-2048",
  "rsa-3072",
  "rsa-4096",
];

/** What a key is, also of imported RSA keys of other lengths. */
export type KeyAlgorithm =
  | { readonly type: "ecdsa"; readonly curve: "p256" | "p384" | "p521" }
  | { readonly type: "ed25519" }
  | { readonly type: "rsa"; readonly bits: number };

/** Digests that signatures are made of. */
export type SignatureHash = HashName;

export interface SignatureOptions {
  /** Not looked at for Ed25519, which has its own. Default "sha256". */
  readonly hash?: SignatureHash;
  /**
   * The data are that digest already; Ed25519 has no such form and signs them as they are. "raw":
   * they are signed as they are, as PKCS #1 v1.5 without the digest's name, or as a scalar (ECDSA).
   */
  readonly prehashed?: boolean | "raw";
  /** RSA only (RFC 8017). Default "pss". */
  readonly padding?: "pss" | "pkcs1v15";
  /** PSS: bytes of salt; default the digest's length. When verifying, any length by default. */
  readonly saltLength?: number;
  /** ECDSA only: ASN.1, or r and s side by side as in JWTs (RFC 7518). Default "der". */
  readonly format?: "der" | "p1363";
}

/** The key material can't be read, or is of a kind that is not supported. */
export class KeyFormatError extends Error {
  override name = "KeyFormatError";
}

/** Bits of an RSA key. Throws `KeyFormatError` for others, which don't encrypt. */
export function requireRsa(algorithm: KeyAlgorithm): number {
  if (algorithm.type === "rsa") return algorithm.bits;
  throw new KeyFormatError("only RSA keys encrypt");
}

export interface VerifyingKey {
  readonly algorithm: KeyAlgorithm;
  /** False for a wrong signature, also for a malformed one. */
  verify(data: Uint8Array, signature: Uint8Array, options?: SignatureOptions): Promise<boolean>;
  /**
   * RSA-OAEP (RFC 8017) with one digest for both parts and an empty label. Throws RangeError for
   * data that are too long, `KeyFormatError` for keys of other kinds.
   */
  encrypt(data: Uint8Array, hash: HashName): Promise<Bytes>;
  /** SubjectPublicKeyInfo, DER (RFC 5280). */
  spki(): Bytes;
}

export interface SigningKey {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: VerifyingKey;
  /** Throws RangeError for a digest or a salt that does not fit (`checkSignable`). */
  sign(data: Uint8Array, options?: SignatureOptions): Promise<Bytes>;
  /** The reverse of `encrypt`. Throws `DecryptError`. */
  decrypt(data: Uint8Array, hash: HashName): Promise<Bytes>;
  /** PrivateKeyInfo, DER (RFC 5958), unencrypted. The caller wipes it. */
  pkcs8(): Bytes;
  /** Wipes the private part where the provider can. Any later use of it throws. */
  destroy(): void;
}

export interface KeyProvider {
  /** Makes a key; RSA takes from a tenth of a second to seconds. */
  generate(kind: KeyKind): Promise<SigningKey>;
  /** PKCS #8, DER. The caller wipes its own. Throws `KeyFormatError`. */
  importPkcs8(der: Uint8Array): SigningKey;
  /** SubjectPublicKeyInfo, DER. Throws `KeyFormatError`. */
  importSpki(der: Uint8Array): VerifyingKey;
}

/** "ecdsa-p256", "rsa-2048"…: the kind that a key of this algorithm would be made by. */
export function kindName(algorithm: KeyAlgorithm): string {
  if (algorithm.type === "ecdsa") return `ecdsa-${algorithm.curve}`;
  return algorithm.type === "rsa" ? `rsa-${algorithm.bits}` : "ed25519";
}

/** PEM (RFC 7468) of DER, for instance label "PRIVATE KEY" or "PUBLIC KEY". */
export function toPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The first block of a PEM text. Throws `KeyFormatError` where there is none. */
export function fromPem(text: string): { label: string; der: Bytes } {
  const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/.exec(text);
  const [, label, body] = block ?? [];
  const der = body === undefined ? undefined : fromBase64(body.replace(/\s/g, ""));
  if (label === undefined || der === undefined) throw new KeyFormatError("no PEM block was found");
  return { label, der };
}
