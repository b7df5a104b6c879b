/** What a MySQL connection's settings say of TLS. */
import { isTrue } from "../details.ts";
import { checkCertificate, checkPair, splitPem } from "../pem.ts";
import type { Dsn } from "./dsn.ts";
import type { SslOptions } from "mysql2";

type Details = Readonly<Record<string, string>>;

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
  checkPair("tls_certificate_key", splitPem(certificateKey));
}
