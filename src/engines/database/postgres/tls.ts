/** What a PostgreSQL connection's settings say of TLS. */
import { checkServerIdentity } from "node:tls";
import { checkCertificate, checkPair, splitPem } from "../pem.ts";
import type { OpenSettings } from "../plugin.ts";
import type { Address } from "./address.ts";
import type * as pg from "./pg.d.ts";

/** Ours, in two settings or in `tls_certificate_key` alone. */
function pair(details: OpenSettings["details"], privateKey: string) {
  if (details.tls_certificate) return { cert: details.tls_certificate, key: privateKey };
  return splitPem(privateKey);
}

/** `false` where the connection is not encrypted. */
export function tlsOptions(
  { sslMode }: Address,
  { details, privateKey }: OpenSettings,
): pg.PoolConfig["ssl"] {
  if (sslMode === "disable") return false;
  const { cert, key } = pair(details, privateKey);
  const serverName = details.tls_server_name;
  return {
    rejectUnauthorized: sslMode.startsWith("verify-"),
    ...(details.tls_ca ? { ca: details.tls_ca } : {}),
    ...(cert === "" ? {} : { cert }),
    ...(key === "" ? {} : { key }),
    // Of the two that verify, only the full one asks whom the certificate is for.
    ...(sslMode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
    ...(sslMode === "verify-full" && serverName
      ? { checkServerIdentity: (_host, its) => checkServerIdentity(serverName, its) }
      : {}),
  };
}

/** Throws a 400 for certificates and keys that are none; their text is not repeated. */
export function checkTls(details: OpenSettings["details"], privateKey: string): void {
  if (details.tls_ca) checkCertificate("tls_ca", details.tls_ca);
  if (!details.tls_certificate && privateKey === "") return;
  if (!details.tls_certificate) return checkPair("tls_certificate_key", pair(details, privateKey));
  checkPair("tls_certificate with private_key", pair(details, privateKey));
}
