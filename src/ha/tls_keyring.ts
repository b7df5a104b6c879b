/**
 * The key and certificate by which the nodes of a cluster know each other, one for all of them, as
 * in Vault. It lies behind the barrier; a node that joins gets it when it has proved to hold the
 * seal's key. P-521: Deno's TLS speaks it on both sides.
 */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import type { ClusterTls } from "../raft/net/cluster_tls.ts";

/** Where it is kept. */
export const TLS_KEY = "core/raft/tls";

const algorithm = { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" };
const validMs = 30 * 365 * 24 * 3600 * 1000;
/** Clocks of nodes may differ by so much. */
const backdatedMs = 24 * 3600 * 1000;

/** Makes a new one. */
export async function makeClusterTls(clock: Clock, random: Random): Promise<ClusterTls> {
  // Loaded when first needed: a single node never does.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const serverName = `holdfast-${random.uuid()}`;
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const serial = random.bytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toHex(),
    name: `CN=${serverName}`,
    notBefore: new Date(clock.now() - backdatedMs),
    notAfter: new Date(clock.now() + validMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: serverName }]),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem"),
    key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
    serverName,
  };
}

export function encodeClusterTls({ certificate, key, serverName }: ClusterTls): Bytes {
  return utf8(JSON.stringify({ version: 1, certificate, key, server_name: serverName }));
}

/** Throws where the bytes are none. */
export function decodeClusterTls(bytes: Uint8Array): ClusterTls {
  const parsed: unknown = JSON.parse(fromUtf8(bytes));
  if (typeof parsed === "object" && parsed !== null) {
    const fields = new Map<string, unknown>(Object.entries(parsed));
    const certificate = fields.get("certificate"), key = fields.get("key");
    const serverName = fields.get("server_name");
    if (
      fields.get("version") === 1 && typeof certificate === "string" &&
      typeof key === "string" && typeof serverName === "string"
    ) return { certificate, key, serverName };
  }
  throw new Error("the cluster's TLS keyring is of an unknown form");
}
