/** Names of signature algorithms in certificates (RFC 3279, 4055, 5758, 8410), and how they are used. */
import type { Bytes } from "../../base/bytes.ts";
import { DerError, explicit, integer, NULL, oid, readDer, sequence, TAG } from "../der.ts";
import { HASH_LENGTHS } from "../hashes.ts";
import type { KeyAlgorithm, KeyProvider, SignatureOptions, SigningKey } from "../keys.ts";

export type CertificateHash = "sha256" | "sha384" | "sha512";

/** How a key signs certificates. */
export interface SignatureScheme {
  readonly hash: CertificateHash;
  /** RSA only: PSS, else PKCS #1 v1.5. */
  readonly pss: boolean;
}

const RSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const ED25519 = "1.3.101.112";

const HASH_OIDS: Readonly<Record<CertificateHash, string>> = {
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
};

const RSA_OIDS: Readonly<Record<CertificateHash, string>> = {
  sha256: "1.2.840.113549.1.1.11",
  sha384: "1.2.840.113549.1.1.12",
  sha512: "1.2.840.113549.1.1.13",
};

const ECDSA_OIDS: Readonly<Record<CertificateHash, string>> = {
  sha256: "1.2.840.10045.4.3.2",
  sha384: "1.2.840.10045.4.3.3",
  sha512: "1.2.840.10045.4.3.4",
};

const CURVE_HASHES = { p256: "sha256", p384: "sha384", p521: "sha512" } as const;

/** What a key signs with: `bits` of hash and `pss` count for RSA, the curve decides for ECDSA. */
export function schemeFor(algorithm: KeyAlgorithm, bits: number, pss: boolean): SignatureScheme {
  if (algorithm.type === "ecdsa") return { hash: CURVE_HASHES[algorithm.curve], pss: false };
  if (algorithm.type === "ed25519") return { hash: "sha512", pss: false };
  return { hash: bits === 384 ? "sha384" : bits === 512 ? "sha512" : "sha256", pss };
}

/** The same for a request's certificate, where `bits` choose the hash of ECDSA too. */
export function requestSchemeFor(
  algorithm: KeyAlgorithm,
  bits: number,
  pss: boolean,
): SignatureScheme {
  const { hash } = schemeFor({ type: "rsa", bits: 0 }, bits, false);
  const usual = schemeFor(algorithm, bits, pss);
  return algorithm.type === "ecdsa" && bits > 0 ? { ...usual, hash } : usual;
}

/** The AlgorithmIdentifier. */
export function signatureAlgorithm(algorithm: KeyAlgorithm, scheme: SignatureScheme): Bytes {
  if (algorithm.type === "ed25519") return sequence(oid(ED25519));
  if (algorithm.type === "ecdsa") return sequence(oid(ECDSA_OIDS[scheme.hash]));
  if (!scheme.pss) return sequence(oid(RSA_OIDS[scheme.hash]), NULL);
  const hash = sequence(oid(HASH_OIDS[scheme.hash]), NULL);
  return sequence(
    oid(RSA_PSS),
    sequence(
      explicit(0, hash),
      explicit(1, sequence(oid(MGF1), hash)),
      explicit(2, integer(HASH_LENGTHS[scheme.hash])),
    ),
  );
}

/** Signs what a certificate, request or list says. */
export async function signDer(
  key: SigningKey,
  scheme: SignatureScheme,
  data: Uint8Array,
): Promise<Bytes> {
  return await key.sign(data, { hash: scheme.hash, padding: scheme.pss ? "pss" : "pkcs1v15" });
}

/** How a signature of this AlgorithmIdentifier is checked. Throws `DerError` for unknown ones. */
function verifyOptions(algorithm: Bytes): SignatureOptions {
  const [name, parameters] = readDer(algorithm).as(TAG.sequence).items();
  const type = name?.oid() ?? "";
  if (type === ED25519) return {};
  for (const hash of ["sha256", "sha384", "sha512"] as const) {
    if (ECDSA_OIDS[hash] === type) return { hash };
    if (RSA_OIDS[hash] === type) return { hash, padding: "pkcs1v15" };
  }
  if (type === "1.2.840.113549.1.1.5") return { hash: "sha1", padding: "pkcs1v15" };
  if (type === "1.2.840.10045.4.1") return { hash: "sha1" };
  if (type !== RSA_PSS) throw new DerError("the signature is of an unknown kind");
  const named = parameters?.items().find(({ tag }) => tag === 0xa0)?.items()[0]?.items()[0]?.oid();
  for (const hash of ["sha256", "sha384", "sha512"] as const) {
    if (HASH_OIDS[hash] === named) return { hash, padding: "pss" };
  }
  throw new DerError("the signature is of an unknown kind");
}

/** Whether a signature in a certificate or request is right. False for kinds that are not known. */
export async function isSigned(
  keys: KeyProvider,
  publicKey: Uint8Array,
  algorithm: Bytes,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  try {
    return await keys.importSpki(publicKey).verify(data, signature, verifyOptions(algorithm));
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

const NAMED: Readonly<
  Record<string, readonly [type: "rsa" | "ecdsa" | "ed25519", SignatureScheme]>
> = {
  SHA256WithRSA: ["rsa", { hash: "sha256", pss: false }],
  SHA384WithRSA: ["rsa", { hash: "sha384", pss: false }],
  SHA512WithRSA: ["rsa", { hash: "sha512", pss: false }],
  SHA256WithRSAPSS: ["rsa", { hash: "sha256", pss: true }],
  SHA384WithRSAPSS: ["rsa", { hash: "sha384", pss: true }],
  SHA512WithRSAPSS: ["rsa", { hash: "sha512", pss: true }],
  ECDSAWithSHA256: ["ecdsa", { hash: "sha256", pss: false }],
  ECDSAWithSHA384: ["ecdsa", { hash: "sha384", pss: false }],
  ECDSAWithSHA512: ["ecdsa", { hash: "sha512", pss: false }],
  Ed25519: ["ed25519", { hash: "sha512", pss: false }],
};

/** The name by which this API knows a scheme. */
export function schemeName(algorithm: KeyAlgorithm, scheme: SignatureScheme): string {
  const found = Object.entries(NAMED).find(([, [type, { hash, pss }]]) =>
    type === algorithm.type && hash === scheme.hash && pss === scheme.pss
  );
  return found?.[0] ?? "";
}

/** The scheme of such a name, in any case of letters; undefined where it is none. */
export function namedScheme(
  name: string,
): { readonly name: string; readonly type: string; readonly scheme: SignatureScheme } | undefined {
  const wanted = name.toLowerCase() === "pureed25519" ? "ed25519" : name.toLowerCase();
  for (const [known, [type, scheme]] of Object.entries(NAMED)) {
    if (known.toLowerCase() === wanted) return { name: known, type, scheme };
  }
  return undefined;
}
