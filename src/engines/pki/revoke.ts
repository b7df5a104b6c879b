/** Revocation: of a certificate that was kept, or of one that is shown. */
import { type Bytes } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { LeaseCall } from "../../core/backend.ts";
import { type Certificate, isIssuedBy, readCertificate } from "../../crypto/x509/certificate.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import {
  putCertificate,
  putRevocation,
  readRevocation,
  readSerial,
  readStoredCertificate,
  serialText,
} from "./certificate_store.ts";
import { crlConfig } from "./crl_config.ts";
import { type Engine, platformOf, readable } from "./engine.ts";
import { type Issuer, readIssuers } from "./issuer_store.ts";
import { plainReader, type Reader } from "./key_store.ts";
import { readPem } from "./pem.ts";

export interface RevokeInput {
  readonly serial_number: string;
  readonly certificate: string;
}

/** The certificate that a request names or shows; a 400 where it is none of ours. */
export async function certificateToRevoke(
  engine: Engine,
  call: Reader,
  input: RevokeInput,
): Promise<Certificate> {
  const { serial_number: serialNumber, certificate } = input;
  if (serialNumber !== "" && certificate !== "") {
    throw badRequest("either serial_number or certificate must be given, not both");
  }
  if (certificate !== "") return await shownCertificate(engine, call, certificate);
  if (serialNumber === "") throw badRequest("the serial_number must be provided");
  const serial = readSerial(serialNumber);
  const der = serial && await readStoredCertificate(call.storage, serial);
  if (der === undefined) {
    throw badRequest(`certificate with serial ${serialNumber} was not found`);
  }
  return readCertificate(der);
}

/** One that was not kept is kept from now on. */
async function shownCertificate(engine: Engine, call: Reader, pem: string): Promise<Certificate> {
  const der: Bytes = readPem(pem, "certificate", ["CERTIFICATE"]);
  const certificate = await readable("certificate", () => readCertificate(der));
  if (await issuerOf(engine, call, certificate) === undefined) {
    throw badRequest("the certificate was issued by none of this mount's issuers");
  }
  const stored = await readStoredCertificate(call.storage, certificate.serial);
  if (stored === undefined) putCertificate(call.storage, certificate);
  return certificate;
}

async function issuerOf(
  engine: Engine,
  call: Reader,
  certificate: Certificate,
): Promise<Issuer | undefined> {
  const { keys } = platformOf(engine).crypto;
  for (const issuer of await readIssuers(call)) {
    if (await isIssuedBy(keys, certificate, issuer.parsed)) return issuer;
  }
  return undefined;
}

/** Notes the revocation. Whether lists must be made anew: not where they are made in their time. */
async function note(
  engine: Engine,
  call: Reader,
  certificate: Certificate,
): Promise<{ readonly time: number; readonly isNew: boolean }> {
  const known = await readRevocation(call.storage, certificate.serial);
  if (known !== undefined) return { time: known.time, isNew: false };
  const time = platformOf(engine).clock.now();
  const issuer = await issuerOf(engine, call, certificate);
  const { notAfter, serial } = certificate;
  putRevocation(call.storage, serial, { time, issuerId: issuer?.id ?? "", notAfter });
  return { time, isNew: true };
}

/** Revokes a certificate; the answer tells since when it is. */
export async function revoke(
  engine: Engine,
  call: Parameters<Engine["crls"]["rebuildAfter"]>[0],
  certificate: Certificate,
): Promise<LogicalResponse> {
  const text = serialText(certificate.serial);
  for (const { parsed, id } of await readIssuers(call)) {
    if (serialText(parsed.serial) === text) {
      throw badRequest(
        `the certificate is that of the issuer ${id}: revoke it by issuer/${id}/revoke`,
      );
    }
  }
  const config = await crlConfig(call);
  const isOver = certificate.notAfter <= platformOf(engine).clock.now();
  if (isOver && !config.allow_expired_cert_revocation) {
    return { warnings: [`the certificate ${text} has expired already; it was not revoked`] };
  }
  const { time, isNew } = await note(engine, call, certificate);
  if (isNew && !config.auto_rebuild) engine.crls.rebuildAfter(call);
  return {
    data: {
      revocation_time: Math.floor(time / 1000),
      revocation_time_rfc3339: new Date(time).toISOString(),
      state: "revoked",
    },
  };
}

/** A lease ends: its certificate is revoked. One that is gone needs no revocation. */
export async function revokeLeased(engine: Engine, call: LeaseCall): Promise<void> {
  const text = call.internalData.serial_number;
  const serial = typeof text === "string" ? readSerial(text) : undefined;
  const der = serial && await readStoredCertificate(call.storage, serial);
  if (der === undefined) return;
  const certificate = readCertificate(der);
  if (certificate.notAfter <= platformOf(engine).clock.now()) return;
  const reader = plainReader(call.storage);
  const { isNew } = await note(engine, reader, certificate);
  if (!isNew || (await crlConfig(reader)).auto_rebuild) return;
  engine.crls.rebuildSoon(call.storage);
}
