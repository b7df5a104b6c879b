/**
 * Issued certificates, each an entry of its own below `certs/`, and what is said of revoked ones below
 * `revoked/`: neither is ever read as a whole, but page by page.
 */
import { type Bytes, fromHex, storedText, toHex, utf8 } from "../../base/bytes.ts";
import type { Certificate } from "../../crypto/x509/certificate.ts";
import type { View } from "../../storage/transaction.ts";

export const certificateFolder = "certs/";
export const revokedFolder = "revoked/";
/** Serial numbers revoked since the last complete list was made. */
export const deltaFolder = "delta/";

/** What is said of a revoked certificate. */
export interface Revocation {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** "" where its issuer is not known. */
  readonly issuerId: string;
  /** When the certificate ends, milliseconds. */
  readonly notAfter: number;
}

/** "1f:2e:…": as clients see serial numbers. */
export function serialText(serial: Uint8Array): string {
  return toHex(serial).match(/../g)?.join(":") ?? "";
}

/** Of "1f:2e:…", "1f-2e-…" or plain hexadecimal; undefined where it is none of these. */
export function readSerial(text: string): Bytes | undefined {
  const hex = text.trim().toLowerCase().replace(/[:-]/g, "");
  return hex === "" ? undefined : fromHex(hex);
}

/** As keys of storage name them. */
export function serialKey(serial: Uint8Array): string {
  return serialText(serial).replaceAll(":", "-");
}

/** The reverse, from a listing. */
export function listedSerial(name: string): string {
  return name.replaceAll("-", ":");
}

export function putCertificate(storage: View, certificate: Pick<Certificate, "serial" | "der">) {
  storage.put(certificateFolder + serialKey(certificate.serial), certificate.der);
}

export async function readStoredCertificate(
  storage: View,
  serial: Uint8Array,
): Promise<Bytes | undefined> {
  const stored = await storage.get(certificateFolder + serialKey(serial));
  return stored?.slice();
}

export async function readRevocation(
  storage: View,
  serial: Uint8Array,
): Promise<Revocation | undefined> {
  const bytes = await storage.get(revokedFolder + serialKey(serial));
  return bytes === undefined ? undefined : decodeRevocation(bytes);
}

export function decodeRevocation(bytes: Bytes): Revocation {
  const revocation: Revocation = JSON.parse(storedText(bytes));
  return revocation;
}

export function putRevocation(storage: View, serial: Uint8Array, revocation: Revocation): void {
  storage.put(revokedFolder + serialKey(serial), utf8(JSON.stringify(revocation)));
  storage.put(deltaFolder + serialKey(serial), utf8(revocation.issuerId));
}
