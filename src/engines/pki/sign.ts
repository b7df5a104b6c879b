/** Signing of certificates: from what they should say to DER. */
import type { Bytes } from "../../base/bytes.ts";
import type { SigningKey } from "../../crypto/keys.ts";
import { makeCertificate, publicKeyBits } from "../../crypto/x509/certificate.ts";
import {
  type AltNames,
  altNames,
  authorityInfo,
  authorityKeyId,
  basicConstraints,
  certificatePolicies,
  type CertificatePolicy,
  crlPoints,
  extendedKeyUsage,
  EXTENSION,
  type Extension,
  type KeyUsage,
  keyUsage,
  nameConstraints,
  subjectKeyId,
} from "../../crypto/x509/extensions.ts";
import type { SignatureScheme } from "../../crypto/x509/signature.ts";
import { serialText } from "./certificate_store.ts";
import { type Engine, platformOf } from "./engine.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Urls } from "./urls.ts";

/** What a certificate is to say. Names and keys in DER. */
export interface Plan {
  readonly subject: Bytes;
  readonly publicKey: Bytes;
  readonly names: AltNames;
  readonly life: Pick<Lifetime, "notBefore" | "notAfter">;
  readonly usages: ReadonlySet<KeyUsage>;
  readonly extendedUsages: readonly string[];
  /** Undefined: nothing is said of it. */
  readonly constraints?: { readonly isAuthority: boolean; readonly pathLength?: number };
  readonly policies: readonly CertificatePolicy[];
  readonly permittedDomains: readonly string[];
  readonly urls: Urls;
  /** Undefined for the usual: of the key. */
  readonly keyId?: Bytes;
  /** Taken over from a request, in place of what would stand there. */
  readonly given: readonly Extension[];
}

export interface Signer {
  readonly key: SigningKey;
  readonly scheme: SignatureScheme;
  /** The issuer's name and key id. */
  readonly name: Bytes;
  readonly keyId: Bytes | undefined;
}

export interface Signed {
  readonly der: Bytes;
  readonly serial: Bytes;
  /** "1f:2e:…". */
  readonly serialText: string;
}

const SERIAL_LENGTH = 20;

/** The id of a key: a digest of its public half (RFC 5280, 4.2.1.2). */
export function keyIdOf(engine: Engine, publicKey: Bytes): Bytes {
  return platformOf(engine).crypto.hash("sha1", publicKeyBits(publicKey));
}

/** Extensions in the order in which everybody writes them. */
function extensionsOf(plan: Plan, keyId: Bytes, signer: Signer): Bytes[] {
  const { urls, names } = plan;
  const isSubjectEmpty = plan.subject.length === 2;
  const alt = altNames(names, isSubjectEmpty);
  const { constraints } = plan;
  const made: (readonly [type: string, der: Bytes | undefined])[] = [
    [EXTENSION.keyUsage, keyUsage(plan.usages)],
    [EXTENSION.extendedKeyUsage, extendedKeyUsage(plan.extendedUsages)],
    [
      EXTENSION.basicConstraints,
      constraints && basicConstraints(constraints.isAuthority, constraints.pathLength),
    ],
    [EXTENSION.subjectKeyId, subjectKeyId(keyId)],
    [
      EXTENSION.authorityKeyId,
      signer.keyId === undefined ? undefined : authorityKeyId(signer.keyId),
    ],
    [EXTENSION.authorityInfo, authorityInfo(urls.ocsp, urls.issuers)],
    [EXTENSION.altNames, names.others.length === 0 ? alt : undefined],
    [EXTENSION.policies, certificatePolicies(plan.policies)],
    [EXTENSION.nameConstraints, nameConstraints(plan.permittedDomains)],
    [EXTENSION.crlPoints, crlPoints(urls.crls)],
    [EXTENSION.freshestCrl, crlPoints(urls.deltas, EXTENSION.freshestCrl)],
    [EXTENSION.altNames, names.others.length === 0 ? undefined : alt],
  ];
  const given = new Set(plan.given.map(({ type }) => type));
  const own = made.flatMap(([type, der]) => der === undefined || given.has(type) ? [] : [der]);
  return [...own, ...plan.given.map(({ whole }) => whole)];
}

/** Signs a certificate with a fresh serial number. */
export async function signPlan(engine: Engine, plan: Plan, signer: Signer): Promise<Signed> {
  const serial = platformOf(engine).random.bytes(SERIAL_LENGTH);
  serial[0] = (serial[0] ?? 0) & 0x7f || 1;
  const keyId = plan.keyId ?? keyIdOf(engine, plan.publicKey);
  const der = await makeCertificate(
    {
      serial,
      issuer: signer.name,
      subject: plan.subject,
      notBefore: plan.life.notBefore,
      notAfter: plan.life.notAfter,
      publicKey: plan.publicKey,
      extensions: extensionsOf(plan, keyId, signer),
    },
    signer.key,
    signer.scheme,
  );
  return { der, serial, serialText: serialText(serial) };
}
