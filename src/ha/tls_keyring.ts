/**
 * The key and certificate by which the nodes of a cluster know each other, one for all of them, as
 * in Vault; while they are changed two are accepted. They lie behind the barrier; a node that joins
 * gets them when it has proved to hold the seal's key. P-521: Deno's TLS speaks it on both sides.
 */
import { X509Certificate } from "node:crypto";
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { refuseNewer } from "../raft/formats.ts";
import type { ClusterTls } from "../raft/net/cluster_tls.ts";

/** Where it is kept. */
export const TLS_KEY = "core/raft/tls";

/** Of a keyring whose key was changed. */
const VERSION = 2;

const algorithm = { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" };
const validMs = 30 * 365 * 24 * 3600 * 1000;
/** Clocks of nodes may differ by so much. */
const backdatedMs = 24 * 3600 * 1000;

export interface TlsKey {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface TlsKeyring {
  readonly serverName: string;
  /** One, or two while they are changed; the older first. */
  readonly keys: readonly TlsKey[];
  /** The position of the one that nodes show. */
  readonly current: number;
  /** Goes up with each change, so that of two the newer one is known. */
  readonly serial: number;
}

/** What the cluster port and those who dial need. */
export function tlsOf({ serverName, keys, current }: TlsKeyring): ClusterTls {
  const key = keys[current];
  if (key === undefined) throw new Error("the cluster's TLS keyring has no current key");
  return { ...key, serverName, trusted: keys.map(({ certificate }) => certificate) };
}

/** When a key was made, milliseconds since the epoch. */
export function madeAt({ certificate }: TlsKey): number {
  return new X509Certificate(certificate).validFromDate.getTime() + backdatedMs;
}

/** Makes the first keyring of a cluster. */
export async function makeKeyring(clock: Clock, random: Random): Promise<TlsKeyring> {
  const serverName = `holdfast-${random.uuid()}`;
  const keys = [await makeTlsKey(serverName, 0, clock, random)];
  return { serverName, keys, current: 0, serial: 0 };
}

/** Makes another key for the name; `serial` tells its certificate from those before. */
export async function makeTlsKey(
  serverName: string,
  serial: number,
  clock: Clock,
  random: Random,
): Promise<TlsKey> {
  // Loaded when first needed: a single node never does.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const number = random.bytes(16);
  number[0] = ((number[0] ?? 0) & 0x3f) | 0x40;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: number.toHex(),
    // Two anchors of one name would have to be told apart by trying.
    name: `CN=${serverName}${serial === 0 ? "" : `-${serial}`}`,
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
  };
}

/** One that was never changed has the form that every version reads. */
export function encodeKeyring({ serverName, keys, current, serial }: TlsKeyring): Bytes {
  const [only] = keys;
  const name = { server_name: serverName };
  return utf8(JSON.stringify(
    serial === 0
      ? { version: 1, ...only, ...name }
      : { version: VERSION, ...name, keys, current, serial },
  ));
}

/** Throws where the bytes are none, or of a version that this build does not know. */
export function decodeKeyring(bytes: Uint8Array): TlsKeyring {
  const parsed: unknown = JSON.parse(fromUtf8(bytes));
  const fields = new Map<string, unknown>(Object.entries(Object(parsed)));
  const serverName = fields.get("server_name");
  const version = fields.get("version");
  refuseNewer("the cluster's TLS keyring", version, VERSION);
  if (typeof serverName === "string" && version === 1) {
    return { serverName, keys: [keyIn(Object.fromEntries(fields))], current: 0, serial: 0 };
  }
  const keys = fields.get("keys"), current = fields.get("current"), serial = fields.get("serial");
  if (
    typeof serverName === "string" && version === VERSION && Array.isArray(keys) &&
    typeof current === "number" && current in keys && typeof serial === "number"
  ) return { serverName, keys: keys.map(keyIn), current, serial };
  throw new Error("the cluster's TLS keyring is of an unknown form");
}

function keyIn(value: unknown): TlsKey {
  const certificate: unknown = Reflect.get(Object(value), "certificate");
  const key: unknown = Reflect.get(Object(value), "key");
  if (typeof certificate === "string" && typeof key === "string") return { certificate, key };
  throw new Error("the cluster's TLS keyring holds something that is no key");
}
