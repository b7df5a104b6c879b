/** Distinguished names (RFC 5280, 4.1.2.4). */
import type { Bytes } from "../../base/bytes.ts";
import { element, oid, readDer, sequence, setOf, TAG, text } from "../der.ts";

/** Who a certificate is for. Lists become one part of the name with several values. */
export interface Subject {
  readonly country: readonly string[];
  readonly province: readonly string[];
  readonly locality: readonly string[];
  readonly streetAddress: readonly string[];
  readonly postalCode: readonly string[];
  readonly organization: readonly string[];
  readonly organizationalUnit: readonly string[];
  /** "" for none. */
  readonly commonName: string;
  /** "" for none. */
  readonly serialNumber: string;
  readonly userIds: readonly string[];
}

const OIDS = {
  commonName: "2.5.4.3",
  serialNumber: "2.5.4.5",
  country: "2.5.4.6",
  locality: "2.5.4.7",
  province: "2.5.4.8",
  streetAddress: "2.5.4.9",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
  postalCode: "2.5.4.17",
  userId: "0.9.2342.19200300.100.1.1",
} as const;

const SHORT_NAMES: Readonly<Record<string, string>> = {
  [OIDS.commonName]: "CN",
  [OIDS.serialNumber]: "SERIALNUMBER",
  [OIDS.country]: "C",
  [OIDS.locality]: "L",
  [OIDS.province]: "ST",
  [OIDS.streetAddress]: "STREET",
  [OIDS.organization]: "O",
  [OIDS.organizationalUnit]: "OU",
  [OIDS.postalCode]: "POSTALCODE",
  [OIDS.userId]: "UID",
};

function part(type: string, values: readonly string[]): Bytes[] {
  if (values.length === 0) return [];
  return [setOf(values.map((value) => sequence(oid(type), text(value))))];
}

/** The name in DER, its widest part first. */
export function encodeName(subject: Subject): Bytes {
  const one = (value: string) => value === "" ? [] : [value];
  return element(
    TAG.sequence,
    ...part(OIDS.country, subject.country),
    ...part(OIDS.province, subject.province),
    ...part(OIDS.locality, subject.locality),
    ...part(OIDS.streetAddress, subject.streetAddress),
    ...part(OIDS.postalCode, subject.postalCode),
    ...part(OIDS.organization, subject.organization),
    ...part(OIDS.organizationalUnit, subject.organizationalUnit),
    ...part(OIDS.commonName, one(subject.commonName)),
    ...part(OIDS.serialNumber, one(subject.serialNumber)),
    ...subject.userIds.flatMap((id) => part(OIDS.userId, [id])),
  );
}

interface NamePart {
  readonly type: string;
  readonly value: string;
}

/** The parts of a name in DER, in their order. Throws `DerError`. */
export function readName(der: Bytes): NamePart[][] {
  return readDer(der).as(TAG.sequence).items().map((set) =>
    set.as(TAG.set).items().map((pair) => {
      const [type, value] = pair.as(TAG.sequence).items();
      return { type: type?.oid() ?? "", value: value?.text() ?? "" };
    })
  );
}

function values(der: Bytes, type: string): string[] {
  return readName(der).flat().filter((found) => found.type === type).map(({ value }) => value);
}

/** The common name in a name, "" where there is none. */
export function commonNameOf(der: Bytes): string {
  return values(der, OIDS.commonName).at(-1) ?? "";
}

/** The serial number in a name (not the certificate's), "" where there is none. */
export function serialNumberOf(der: Bytes): string {
  return values(der, OIDS.serialNumber).at(-1) ?? "";
}

/** The user ids in a name. */
export function userIdsOf(der: Bytes): string[] {
  return values(der, OIDS.userId);
}

/** As RFC 2253 writes it, the narrowest part first. */
export function formatName(der: Bytes): string {
  return readName(der).reverse().map((set) =>
    set.map(({ type, value }) => `${SHORT_NAMES[type] ?? type}=${escaped(value)}`).join("+")
  ).join(",");
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]|^[ #]| $/g, (found) => `\\${found}`);
}
