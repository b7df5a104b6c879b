/** Extensions of certificates (RFC 5280, 4.2), written and read. */
import { type Bytes, utf8 } from "../../base/bytes.ts";
import {
  bits,
  type DerValue,
  element,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  readDer,
  sequence,
  TAG,
  TRUE,
} from "../der.ts";

export const EXTENSION = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  altNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  crlNumber: "2.5.29.20",
  deltaIndicator: "2.5.29.27",
  nameConstraints: "2.5.29.30",
  crlPoints: "2.5.29.31",
  policies: "2.5.29.32",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  freshestCrl: "2.5.29.46",
  authorityInfo: "1.3.6.1.5.5.7.1.1",
} as const;

/** An extension that was read. */
export interface Extension {
  readonly type: string;
  readonly critical: boolean;
  /** DER. */
  readonly value: Bytes;
  /** As it stands in the certificate. */
  readonly whole: Bytes;
}

/** An extension; `value` is DER. */
export function extension(type: string, critical: boolean, value: Bytes): Bytes {
  return critical ? sequence(oid(type), TRUE, octets(value)) : sequence(oid(type), octets(value));
}

/** The extensions within an Extensions. Throws `DerError`. */
export function readExtensions(list: DerValue): Extension[] {
  return list.as(TAG.sequence).items().map((item) => {
    const parts = item.as(TAG.sequence).items();
    const critical = parts[1]?.tag === TAG.boolean ? parts[1].boolean() : false;
    const value = parts.at(-1)?.as(TAG.octets).body ?? new Uint8Array();
    return { type: parts[0]?.oid() ?? "", critical, value, whole: item.whole };
  });
}

/** Names of key usages, in the order of their bits. */
export const KEY_USAGES = [
  "DigitalSignature",
  "ContentCommitment",
  "KeyEncipherment",
  "DataEncipherment",
  "KeyAgreement",
  "CertSign",
  "CRLSign",
  "EncipherOnly",
  "DecipherOnly",
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

/** Key usage: critical, as is usual. Undefined for none. */
export function keyUsage(usages: ReadonlySet<KeyUsage>): Bytes | undefined {
  if (usages.size === 0) return undefined;
  const bytes = new Uint8Array(2);
  let last = 0;
  KEY_USAGES.forEach((usage, i) => {
    if (!usages.has(usage)) return;
    last = i;
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | 0x80 >> (i & 7);
  });
  const value = bits(bytes.subarray(0, (last >> 3) + 1), 7 - (last & 7));
  return extension(EXTENSION.keyUsage, true, value);
}

/** Extended key usage, by object identifiers. Undefined for none. */
export function extendedKeyUsage(oids: readonly string[]): Bytes | undefined {
  if (oids.length === 0) return undefined;
  return extension(EXTENSION.extendedKeyUsage, false, sequence(...oids.map((name) => oid(name))));
}

/** Basic constraints; no path length where it is negative. */
export function basicConstraints(isAuthority: boolean, pathLength = -1): Bytes {
  const parts = isAuthority ? [TRUE, ...(pathLength < 0 ? [] : [integer(pathLength)])] : [];
  return extension(EXTENSION.basicConstraints, true, sequence(...parts));
}

export function subjectKeyId(id: Bytes): Bytes {
  return extension(EXTENSION.subjectKeyId, false, octets(id));
}

export function authorityKeyId(id: Bytes): Bytes {
  return extension(EXTENSION.authorityKeyId, false, sequence(implicit(0, id)));
}

/** Where the issuer's certificate and its word on revocation are found. Undefined for no address. */
export function authorityInfo(
  ocsp: readonly string[],
  issuers: readonly string[],
): Bytes | undefined {
  if (ocsp.length + issuers.length === 0) return undefined;
  const access = (method: string, url: string) => sequence(oid(method), implicit(6, utf8(url)));
  return extension(
    EXTENSION.authorityInfo,
    false,
    sequence(
      ...ocsp.map((url) => access("1.3.6.1.5.5.7.48.1", url)),
      ...issuers.map((url) => access("1.3.6.1.5.5.7.48.2", url)),
    ),
  );
}

/** Where revocation lists are found; of deltas with `EXTENSION.freshestCrl`. Undefined for none. */
export function crlPoints(
  urls: readonly string[],
  type: string = EXTENSION.crlPoints,
): Bytes | undefined {
  if (urls.length === 0) return undefined;
  const points = urls.map((url) => sequence(explicit(0, explicit(0, implicit(6, utf8(url))))));
  return extension(type, false, sequence(...points));
}

/** A policy that a certificate was issued under. */
export interface CertificatePolicy {
  readonly oid: string;
  readonly notice?: string;
  readonly cps?: string;
}

export function certificatePolicies(policies: readonly CertificatePolicy[]): Bytes | undefined {
  if (policies.length === 0) return undefined;
  const one = ({ oid: name, notice, cps }: CertificatePolicy) => {
    const qualifiers = [
      ...(cps ? [sequence(oid("1.3.6.1.5.5.7.2.1"), element(TAG.ia5, utf8(cps)))] : []),
      ...(notice
        ? [sequence(oid("1.3.6.1.5.5.7.2.2"), sequence(element(TAG.utf8, utf8(notice))))]
        : []),
    ];
    return sequence(oid(name), ...(qualifiers.length === 0 ? [] : [sequence(...qualifiers)]));
  };
  return extension(EXTENSION.policies, false, sequence(...policies.map(one)));
}

/** Only names below these domains may be certified. Undefined for no such limit. */
export function nameConstraints(permitted: readonly string[]): Bytes | undefined {
  if (permitted.length === 0) return undefined;
  const trees = permitted.map((domain) => sequence(implicit(2, utf8(domain))));
  return extension(EXTENSION.nameConstraints, true, sequence(explicit(0, ...trees)));
}

/** A name of a kind that is told by an object identifier. */
export interface OtherName {
  readonly type: string;
  readonly value: string;
}

/** Further names of a subject. */
export interface AltNames {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  /** 4 or 16 bytes each. */
  readonly addresses: readonly Bytes[];
  readonly uris: readonly string[];
  readonly others: readonly OtherName[];
}

export const noAltNames: AltNames = { dns: [], emails: [], addresses: [], uris: [], others: [] };

/** Undefined for no name. Critical where the subject has no other. */
export function altNames(names: AltNames, critical: boolean): Bytes | undefined {
  const parts = [
    ...names.others.map(({ type, value }) =>
      explicit(0, oid(type), explicit(0, element(TAG.utf8, utf8(value))))
    ),
    ...names.dns.map((name) => implicit(2, utf8(name))),
    ...names.emails.map((name) => implicit(1, utf8(name))),
    ...names.addresses.map((address) => implicit(7, address)),
    ...names.uris.map((uri) => implicit(6, utf8(uri))),
  ];
  return parts.length === 0
    ? undefined
    : extension(EXTENSION.altNames, critical, sequence(...parts));
}

/** The names in such an extension's value. Throws `DerError`. */
export function readAltNames(value: Bytes): AltNames {
  const items = readDer(value).as(TAG.sequence).items();
  const texts = (tag: number) =>
    items.filter((item) => item.tag === tag).map((item) => item.text());
  return {
    dns: texts(0x82),
    emails: texts(0x81),
    uris: texts(0x86),
    addresses: items.filter(({ tag }) => tag === 0x87).map(({ body }) => body.slice()),
    others: items.filter(({ tag }) => tag === 0xa0).map((item) => {
      const [type, holder] = item.items();
      return { type: type?.oid() ?? "", value: holder?.items()[0]?.text() ?? "" };
    }),
  };
}

export interface BasicConstraints {
  readonly isAuthority: boolean;
  /** Undefined for any length. */
  readonly pathLength: number | undefined;
}

/** Throws `DerError`. */
export function readBasicConstraints(value: Bytes): BasicConstraints {
  const items = readDer(value).as(TAG.sequence).items();
  const isAuthority = items[0]?.tag === TAG.boolean && items[0].boolean();
  const length = items.find(({ tag }) => tag === TAG.integer);
  return { isAuthority, pathLength: length?.number() };
}

/** A key usage's names. Throws `DerError`. */
export function readKeyUsage(value: Bytes): Set<KeyUsage> {
  const bytes = readDer(value).bitBytes();
  return new Set(KEY_USAGES.filter((_, i) => ((bytes[i >> 3] ?? 0) & 0x80 >> (i & 7)) !== 0));
}

/** A reason, number or delta mark of a revocation list. */
export function crlNumber(number: number): Bytes {
  return extension(EXTENSION.crlNumber, false, integer(number));
}

export function deltaIndicator(base: number): Bytes {
  return extension(EXTENSION.deltaIndicator, true, integer(base));
}
