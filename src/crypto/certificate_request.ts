/**
 * Requests for certificates (PKCS #10, RFC 2986), and whether a chain of certificates belongs to a key.
 * ASN.1 is @peculiar/asn1-*'s, loaded when needed.
 */
import type { Bytes } from "../base/bytes.ts";
import { type KeyAlgorithm, KeyFormatError, type SignatureHash, type SigningKey } from "./keys.ts";

/** Names of what signs, for a key: RFC 5758, 4055 and 8410. */
function signatureOf(algorithm: KeyAlgorithm): { oid: string; hash?: SignatureHash } {
  if (algorithm.type === "ed25519") return { oid: "1.3.101.112" };
  if (algorithm.type === "rsa") return { oid: "1.2.840.113549.1.1.11", hash: "sha256" };
  if (algorithm.curve === "p256") return { oid: "1.2.840.10045.4.3.2", hash: "sha256" };
  if (algorithm.curve === "p384") return { oid: "1.2.840.10045.4.3.3", hash: "sha384" };
  return { oid: "1.2.840.10045.4.3.4", hash: "sha512" };
}

/**
 * A request signed by a key, DER; subject and attributes are those of `template`, another request.
 * Throws `KeyFormatError` for a template that is none.
 */
export async function makeRequest(
  key: SigningKey,
  template: Uint8Array | undefined,
): Promise<Bytes> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { Attributes, CertificationRequest, CertificationRequestInfo } = await import(
    "@peculiar/asn1-csr"
  );
  const { AlgorithmIdentifier, Name, SubjectPublicKeyInfo } = await import("@peculiar/asn1-x509");
  const given = template === undefined
    ? undefined
    : parsed("a certificate request", () => AsnConvert.parse(template, CertificationRequest))
      .certificationRequestInfo;
  const info = new CertificationRequestInfo({
    subject: given?.subject ?? new Name(),
    subjectPKInfo: AsnConvert.parse(key.publicKey.spki(), SubjectPublicKeyInfo),
    attributes: given?.attributes ?? new Attributes(),
  });
  const { oid, hash } = signatureOf(key.algorithm);
  const signature = await key.sign(new Uint8Array(AsnConvert.serialize(info)), {
    padding: "pkcs1v15",
    ...(hash === undefined ? {} : { hash }),
  });
  const isRsa = key.algorithm.type === "rsa";
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: new AlgorithmIdentifier({
      algorithm: oid,
      ...(isRsa ? { parameters: new Uint8Array([5, 0]).buffer } : {}),
    }),
    signature: signature.buffer,
  });
  return new Uint8Array(AsnConvert.serialize(request));
}

/**
 * Throws `KeyFormatError` unless the first certificate is for this public key, and is no authority's,
 * and each is signed in the name of the next.
 */
export async function readChain(
  chain: readonly Uint8Array[],
  publicKey: Uint8Array,
): Promise<void> {
  const { AsnConvert } = await import("@peculiar/asn1-schema");
  const { BasicConstraints, Certificate, id_ce_basicConstraints } = await import(
    "@peculiar/asn1-x509"
  );
  const all = chain.map((der) =>
    parsed("a certificate", () => AsnConvert.parse(der, Certificate)).tbsCertificate
  );
  const hex = (value: unknown) => new Uint8Array(AsnConvert.serialize(value)).toHex();
  const [leaf] = all;
  if (leaf === undefined) throw new KeyFormatError("there is no certificate");
  if (hex(leaf.subjectPublicKeyInfo) !== publicKey.toHex()) {
    throw new KeyFormatError("the first certificate is not for this key");
  }
  const constraints = leaf.extensions?.find(({ extnID }) => extnID === id_ce_basicConstraints);
  if (
    constraints !== undefined &&
    AsnConvert.parse(constraints.extnValue, BasicConstraints).cA === true
  ) throw new KeyFormatError("the first certificate is an authority's");
  for (const [i, certificate] of all.entries()) {
    const issuer = all[i + 1];
    if (issuer !== undefined && hex(certificate.issuer) !== hex(issuer.subject)) {
      throw new KeyFormatError("each certificate must be followed by its issuer's");
    }
  }
}

/** What the ASN.1 package throws is about its input. */
function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new KeyFormatError(`not ${what} in DER`, { cause });
  }
}
