/** X.509 certificates (RFC 5280). */
import { type Bytes, sameBytes } from "../../base/bytes.ts";
import {
  bits,
  DerError,
  type DerValue,
  explicit,
  integer,
  readDer,
  sequence,
  TAG,
  time,
} from "../der.ts";
import type { KeyProvider, SigningKey } from "../keys.ts";
import {
  type BasicConstraints,
  EXTENSION,
  type Extension,
  readBasicConstraints,
  readExtensions,
} from "./extensions.ts";
import { isSigned, signatureAlgorithm, type SignatureScheme, signDer } from "./signature.ts";

/** What a certificate says. Names, key and extensions in DER, times in milliseconds. */
export interface CertificateFields {
  /** Big-endian, not negative. */
  readonly serial: Bytes;
  readonly issuer: Bytes;
  readonly subject: Bytes;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: Bytes;
  readonly extensions: readonly Bytes[];
}

/** A certificate in DER, signed. */
export async function makeCertificate(
  fields: CertificateFields,
  key: SigningKey,
  scheme: SignatureScheme,
): Promise<Bytes> {
  const algorithm = signatureAlgorithm(key.algorithm, scheme);
  const body = sequence(
    explicit(0, integer(2)),
    integer(fields.serial),
    algorithm,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    ...(fields.extensions.length === 0 ? [] : [explicit(3, sequence(...fields.extensions))]),
  );
  return sequence(body, algorithm, bits(await signDer(key, scheme, body)));
}

/** A certificate that was read. */
export interface Certificate extends Omit<CertificateFields, "extensions"> {
  readonly der: Bytes;
  readonly extensions: readonly Extension[];
  /** Undefined where it says nothing of it. */
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyId: Bytes | undefined;
  /** What is signed, how, and the signature. */
  readonly signed: Bytes;
  readonly algorithm: Bytes;
  readonly signature: Bytes;
}

/** Reads a certificate. Throws `DerError`. */
export function readCertificate(der: Bytes): Certificate {
  const [body, algorithm, signature] = readDer(der).as(TAG.sequence).items();
  const parts = body?.as(TAG.sequence).items() ?? [];
  if (parts[0]?.tag === 0xa0) parts.shift();
  const [serial, , issuer, validity, subject, publicKey, ...rest] = parts;
  const [notBefore, notAfter] = validity?.as(TAG.sequence).items() ?? [];
  if (
    body === undefined || algorithm === undefined || signature === undefined ||
    serial === undefined || issuer === undefined || notBefore === undefined ||
    notAfter === undefined || subject === undefined || publicKey === undefined
  ) throw new DerError("not a certificate");
  const extensions = extensionsOf(rest.find(({ tag }) => tag === 0xa3));
  const find = (type: string) => extensions.find((found) => found.type === type)?.value;
  const constraints = find(EXTENSION.basicConstraints);
  const keyId = find(EXTENSION.subjectKeyId);
  return {
    der,
    serial: serial.unsigned(),
    issuer: issuer.as(TAG.sequence).whole,
    subject: subject.as(TAG.sequence).whole,
    notBefore: notBefore.time(),
    notAfter: notAfter.time(),
    publicKey: publicKey.as(TAG.sequence).whole,
    extensions,
    basicConstraints: constraints === undefined ? undefined : readBasicConstraints(constraints),
    keyId: keyId === undefined ? undefined : readDer(keyId).as(TAG.octets).body,
    signed: body.whole,
    algorithm: algorithm.as(TAG.sequence).whole,
    signature: signature.bitBytes(),
  };
}

function extensionsOf(holder: DerValue | undefined): Extension[] {
  const list = holder?.items()[0];
  return list === undefined ? [] : readExtensions(list);
}

/** Whether a certificate is signed by the key of another, in its name. */
export async function isIssuedBy(
  keys: KeyProvider,
  certificate: Certificate,
  issuer: Certificate,
): Promise<boolean> {
  const { signed, algorithm, signature } = certificate;
  if (!sameBytes(certificate.issuer, issuer.subject)) return false;
  return await isSigned(keys, issuer.publicKey, algorithm, signed, signature);
}

/** The key itself within a SubjectPublicKeyInfo: what key ids are made of. Throws `DerError`. */
export function publicKeyBits(publicKey: Bytes): Bytes {
  const [, key] = readDer(publicKey).as(TAG.sequence).items();
  if (key === undefined) throw new DerError("not a public key");
  return key.bitBytes();
}
