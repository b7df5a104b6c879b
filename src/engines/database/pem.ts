/** Certificates and keys in an operator's settings. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { badRequest } from "../../base/failure.ts";

/** Throws a 400 for what is no certificate, without repeating it. */
export function checkCertificate(name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw badRequest(`${name} holds no certificate as PEM`, error);
  }
}

export function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // No key at all; what it is instead is not for an error's text.
    return false;
  }
}
