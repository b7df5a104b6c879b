/** What a MySQL connection's settings say of TLS. */
import { badRequest } from "../../../base/failure.ts";
import { isTrue } from "../details.ts";
import { checkCertificate, isKeyOf } from "../pem.ts";
import type { Dsn } from "./dsn.ts";
import type { SslOptions } from "mysql2";

type Details = Readonly<Record<string, string>>;

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** Certificates and private key out of one PEM text. */
function splitPem(text: string): { cert: string; key: string } {
  const all = [...text.matchAll(block)].map(([whole, kind = ""]) => ({ whole, kind }));
  const pick = (wanted: (kind: string) => boolean) =>
    all.filter(({ kind }) => wanted(kind)).map(({ whole }) => whole).join("\n");
  return {
    cert: pick((kind) => kind === "CERTIFICATE"),
    key: pick((kind) => kind.endsWith("PRIVATE KEY")),
  };
}

/** Undefined where the connection is not encrypted. */
export function tlsOptions(details: Details, certificateKey: string, dsn: Dsn) {
  const { tls_ca: ca = "" } = details;
  const configured = ca !== "" || certificateKey !== "";
  if (!configured && dsn.tls === "false") return undefined;
  const verified = configured
    ? !isTrue(details.tls_skip_verify) && dsn.tls !== "skip-verify"
    : dsn.tls === "true" && !isTrue(details.tls_skip_verify);
  const options: SslOptions = { rejectUnauthorized: verified, verifyIdentity: verified };
  if (ca !== "") options.ca = ca;
  if (certificateKey !== "") Object.assign(options, splitPem(certificateKey));
  return options;
}

/** Throws a 400 for certificates and keys that are none; their text is not repeated. */
export function checkTls(details: Details, certificateKey: string): void {
  const { tls_ca: ca = "" } = details;
  if (ca !== "") checkCertificate("tls_ca", ca);
  if (certificateKey === "") return;
  const { cert, key } = splitPem(certificateKey);
  const certificate = checkCertificate("tls_certificate_key", cert);
  if (isKeyOf(certificate, key)) return;
  throw badRequest("tls_certificate_key must be a certificate and its private key as PEM");
}
