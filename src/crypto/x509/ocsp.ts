/** Questions and answers on single certificates (OCSP, RFC 6960). */
import type { Bytes } from "../../base/bytes.ts";
import {
  bits,
  DerError,
  element,
  explicit,
  generalizedTime,
  implicit,
  integer,
  NULL,
  octets,
  oid,
  readDer,
  sequence,
  TAG,
} from "../der.ts";
import type { SigningKey } from "../keys.ts";
import type { HashName } from "../provider.ts";
import { type Extension, readExtensions } from "./extensions.ts";
import { signatureAlgorithm, type SignatureScheme, signDer } from "./signature.ts";

const BASIC = "1.3.6.1.5.5.7.48.1.1";
const NONCE = "1.3.6.1.5.5.7.48.1.2";
/** Longest nonce that is given back, with its head (RFC 8954 allows 32). */
const NONCE_MAX = 34;
/** Certificates that one request may ask for. */
const ASKED_MAX = 16;

const HASHES: Readonly<Record<string, HashName>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** Whom a question is about. */
export interface CertificateId {
  readonly hash: HashName;
  /** Of the issuer's name in DER, and of its key's bits. */
  readonly nameHash: Bytes;
  readonly keyHash: Bytes;
  readonly serial: Bytes;
}

export interface OcspRequest {
  readonly asked: readonly CertificateId[];
  readonly nonce: Extension | undefined;
}

/** Reads a request. Throws `DerError`. */
export function readOcspRequest(der: Bytes): OcspRequest {
  const [body] = readDer(der).as(TAG.sequence).items();
  const parts = body?.as(TAG.sequence).items() ?? [];
  const list = parts.find(({ tag }) => tag === TAG.sequence)?.items() ?? [];
  if (list.length === 0 || list.length > ASKED_MAX) {
    throw new DerError(`one to ${ASKED_MAX} certificates may be asked for`);
  }
  const asked = list.map((item): CertificateId => {
    const [algorithm, nameHash, keyHash, serial] = item.items()[0]?.items() ?? [];
    const hash = HASHES[algorithm?.items()[0]?.oid() ?? ""];
    if (hash === undefined || nameHash === undefined || keyHash === undefined || !serial) {
      throw new DerError("the request names no certificate, or by a hash that is not known");
    }
    return {
      hash,
      nameHash: nameHash.as(TAG.octets).body,
      keyHash: keyHash.as(TAG.octets).body,
      serial: serial.unsigned(),
    };
  });
  const extensions = parts.find(({ tag }) => tag === 0xa2)?.items()[0];
  const nonce = extensions && readExtensions(extensions).find(({ type }) => type === NONCE);
  return { asked, nonce: nonce && nonce.value.length <= NONCE_MAX ? nonce : undefined };
}

/** What is said of one certificate; a time of revocation in milliseconds. */
export interface SingleAnswer {
  readonly id: CertificateId;
  readonly status: "good" | "unknown" | { readonly revoked: number };
}

export interface OcspAnswer {
  /** The responder's name and certificate, DER. */
  readonly name: Bytes;
  readonly certificate: Bytes;
  readonly thisUpdate: number;
  /** Undefined: newer answers may come at any time. */
  readonly nextUpdate: number | undefined;
  readonly answers: readonly SingleAnswer[];
  readonly nonce: Extension | undefined;
}

function hashOid(hash: HashName): string {
  return Object.entries(HASHES).find(([, name]) => name === hash)?.[0] ?? "";
}

function single(answer: SingleAnswer, fields: OcspAnswer): Bytes {
  const { id, status } = answer;
  const told = status === "good"
    ? implicit(0)
    : status === "unknown"
    ? implicit(2)
    : element(0xa1, generalizedTime(status.revoked));
  return sequence(
    sequence(
      sequence(oid(hashOid(id.hash)), NULL),
      octets(id.nameHash),
      octets(id.keyHash),
      integer(id.serial),
    ),
    told,
    generalizedTime(fields.thisUpdate),
    ...(fields.nextUpdate === undefined ? [] : [explicit(0, generalizedTime(fields.nextUpdate))]),
  );
}

/** An answer in DER, signed. */
export async function makeOcspAnswer(
  fields: OcspAnswer,
  key: SigningKey,
  scheme: SignatureScheme,
): Promise<Bytes> {
  const body = sequence(
    explicit(1, fields.name),
    generalizedTime(fields.thisUpdate),
    sequence(...fields.answers.map((answer) => single(answer, fields))),
    ...(fields.nonce === undefined ? [] : [explicit(1, sequence(fields.nonce.whole))]),
  );
  const basic = sequence(
    body,
    signatureAlgorithm(key.algorithm, scheme),
    bits(await signDer(key, scheme, body)),
    explicit(0, sequence(fields.certificate)),
  );
  const status = element(TAG.enumerated, new Uint8Array([0]));
  return sequence(status, explicit(0, sequence(oid(BASIC), octets(basic))));
}

const REFUSALS = { malformed: 1, internal: 2, unauthorized: 6 } as const;

/** An answer without one, DER. */
export function ocspRefusal(reason: keyof typeof REFUSALS): Bytes {
  return sequence(element(TAG.enumerated, new Uint8Array([REFUSALS[reason]])));
}
