/** Requests for certificates of a key, and whether a chain of certificates belongs to it. */
import { type Bytes, sameBytes } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { DerError, sequence } from "../../crypto/der.ts";
import type { SigningKey } from "../../crypto/keys.ts";
import { readCertificate } from "../../crypto/x509/certificate.ts";
import { makeCertificateRequest, readCertificateRequest } from "../../crypto/x509/request.ts";
import { schemeFor } from "../../crypto/x509/signature.ts";

/**
 * A request signed by a key, DER; subject and attributes are those of `template`, another request.
 * A 400 for a template that is none.
 */
export async function requestFor(key: SigningKey, template: Bytes | undefined): Promise<Bytes> {
  const given = template === undefined
    ? { subject: sequence(), attributes: new Uint8Array() }
    : readable("a certificate request", () => readCertificateRequest(template));
  const scheme = schemeFor(key.algorithm, 0, false);
  return await makeCertificateRequest(key, scheme, given.subject, given.attributes);
}

/**
 * A 400 unless the first certificate is for this public key, and is no authority's, and each is
 * followed by its issuer's.
 */
export function checkChain(chain: readonly Bytes[], publicKey: Uint8Array): void {
  const all = chain.map((der) => readable("a certificate", () => readCertificate(der)));
  const [leaf] = all;
  if (leaf === undefined) throw badRequest("there is no certificate");
  if (!sameBytes(leaf.publicKey, publicKey)) {
    throw badRequest("the first certificate is not for this key");
  }
  if (leaf.basicConstraints?.isAuthority === true) {
    throw badRequest("the first certificate is an authority's");
  }
  for (const [i, certificate] of all.entries()) {
    const issuer = all[i + 1];
    if (issuer !== undefined && !sameBytes(certificate.issuer, issuer.subject)) {
      throw badRequest("each certificate must be followed by its issuer's");
    }
  }
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw badRequest(`not ${what} in DER`, error);
    throw error;
  }
}
