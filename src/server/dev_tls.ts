/** The certificates of a dev server that speaks TLS: a CA of its own and a leaf, in a folder. */
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { isIP } from "node:net";
import type { Clock, Random } from "../base/clock.ts";

export interface DevCertificate {
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 3600 * 1000;
const validDays = 365;

/**
 * Makes them and writes them to a directory ("" for a new temporary one). They are good for this
 * machine's names and `sans` for a year.
 */
export async function makeDevCertificate(
  directory: string,
  sans: readonly string[],
  clock: Clock,
  random: Random,
): Promise<DevCertificate> {
  const folder = directory === "" ? await Deno.makeTempDir({ prefix: "holdfast-tls" }) : directory;
  await Deno.mkdir(folder, { recursive: true });
  const ca = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const leaf = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const validity = {
    notBefore: new Date(clock.now() - 30_000),
    notAfter: new Date(clock.now() + validDays * dayMs),
    signingAlgorithm: algorithm,
  };
  const caCertificate = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: serial(random),
    subject: "CN=Holdfast dev CA",
    issuer: "CN=Holdfast dev CA",
    publicKey: ca.publicKey,
    signingKey: ca.privateKey,
    extensions: await caExtensions(ca.publicKey),
  });
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: serial(random),
    subject: "CN=localhost",
    issuer: caCertificate.subject,
    publicKey: leaf.publicKey,
    signingKey: ca.privateKey,
    extensions: leafExtensions(["localhost", Deno.hostname(), "127.0.0.1", "::1", ...sans]),
  });
  return await writeFiles(folder, caCertificate, certificate, leaf.privateKey);
}

async function writeFiles(
  folder: string,
  ca: X509Certificate,
  certificate: X509Certificate,
  key: CryptoKey,
): Promise<DevCertificate> {
  const paths = {
    caPath: `${folder}/holdfast-ca.pem`,
    certPath: `${folder}/holdfast-cert.pem`,
    keyPath: `${folder}/holdfast-key.pem`,
  };
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", key);
  await Deno.writeTextFile(paths.caPath, `${ca.toString("pem")}\n`);
  await Deno.writeTextFile(paths.certPath, `${certificate.toString("pem")}\n`);
  const pem = `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`;
  await Deno.writeTextFile(paths.keyPath, pem, { mode: 0o600 });
  return paths;
}

async function caExtensions(publicKey: CryptoKey): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    await SubjectKeyIdentifierExtension.create(publicKey),
  ];
}

function leafExtensions(names: readonly string[]): Extension[] {
  const general = [...new Set(names)].map((value): JsonGeneralName => ({
    type: isIP(value) === 0 ? "dns" : "ip",
    value,
  }));
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension(general),
  ];
}

/** 16 random bytes; the first is kept small, so that the number is positive and of full length. */
function serial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toHex();
}
