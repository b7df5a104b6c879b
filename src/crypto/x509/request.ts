/** Requests for certificates (PKCS #10, RFC 2986). */
import type { Bytes } from "../../base/bytes.ts";
import { bits, DerError, explicit, integer, oid, readDer, sequence, setOf, TAG } from "../der.ts";
import type { KeyProvider, SigningKey } from "../keys.ts";
import { type Extension, readExtensions } from "./extensions.ts";
import { isSigned, signatureAlgorithm, type SignatureScheme, signDer } from "./signature.ts";

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

/** A request that was read. Subject and key in DER. */
export interface CertificateRequest {
  readonly subject: Bytes;
  readonly publicKey: Bytes;
  readonly extensions: readonly Extension[];
  /** All attributes in DER, one after another: those extensions, and whatever else was said. */
  readonly attributes: Bytes;
  readonly signed: Bytes;
  readonly algorithm: Bytes;
  readonly signature: Bytes;
}

/** The attributes of a request that asks for these extensions, in DER. */
export function extensionRequest(extensions: readonly Bytes[]): Bytes {
  if (extensions.length === 0) return new Uint8Array();
  return sequence(oid(EXTENSION_REQUEST), setOf([sequence(...extensions)]));
}

/** A request in DER, signed by the key that it is for. */
export async function makeCertificateRequest(
  key: SigningKey,
  scheme: SignatureScheme,
  subject: Bytes,
  attributes: Bytes,
): Promise<Bytes> {
  const algorithm = signatureAlgorithm(key.algorithm, scheme);
  const body = sequence(integer(0), subject, key.publicKey.spki(), explicit(0, attributes));
  return sequence(body, algorithm, bits(await signDer(key, scheme, body)));
}

/** Reads a request. Throws `DerError`. */
export function readCertificateRequest(der: Bytes): CertificateRequest {
  const [body, algorithm, signature] = readDer(der).as(TAG.sequence).items();
  const [, subject, publicKey, attributes] = body?.as(TAG.sequence).items() ?? [];
  if (
    body === undefined || algorithm === undefined || signature === undefined ||
    subject === undefined || publicKey === undefined
  ) throw new DerError("not a certificate request");
  const wanted = attributes?.items().find((attribute) =>
    attribute.items()[0]?.oid() === EXTENSION_REQUEST
  );
  const list = wanted?.items()[1]?.items()[0];
  return {
    subject: subject.as(TAG.sequence).whole,
    publicKey: publicKey.as(TAG.sequence).whole,
    extensions: list === undefined ? [] : readExtensions(list),
    attributes: attributes?.body ?? new Uint8Array(),
    signed: body.whole,
    algorithm: algorithm.as(TAG.sequence).whole,
    signature: signature.bitBytes(),
  };
}

/** Whether whoever asks holds the key. */
export async function isSelfSigned(
  keys: KeyProvider,
  { publicKey, algorithm, signed, signature }: CertificateRequest,
): Promise<boolean> {
  return await isSigned(keys, publicKey, algorithm, signed, signature);
}
