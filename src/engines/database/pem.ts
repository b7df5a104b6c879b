/** Certificates and keys in an operator's settings. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { badRequest } from "../../base/failure.ts";

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** Certificates and private key out of one PEM text. */
export function splitPem(text: string): Pair {
  const all = [...text.matchAll(block)].map(([whole, kind = ""]) => ({ whole, kind }));
  const pick = (wanted: (kind: string) => boolean) =>
    all.filter(({ kind }) => wanted(kind)).map(({ whole }) => whole).join("\n");
  return {
    cert: pick((kind) => kind === "CERTIFICATE"),
    key: pick((kind) => kind.endsWith("PRIVATE KEY")),
  };
}

/** Throws a 400 for what is no certificate, without repeating it. */
export function checkCertificate(name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw badRequest(`${name} holds no certificate as PEM`, error);
  }
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    // No key at all; what it is instead is not for an error's text.
    return false;
  }
}

/** Throws a 400 for what is not a certificate with its key, without repeating it. */
export function checkPair(name: string, { cert, key }: Pair): void {
  const certificate = checkCertificate(name, cert);
  if (isKeyOf(certificate, key)) return;
  throw badRequest(`${name} must be a certificate and its private key as PEM`);
}
