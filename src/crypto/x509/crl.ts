/** Certificate revocation lists (RFC 5280, 5). */
import { type Bytes, concat } from "../../base/bytes.ts";
import { bits, element, explicit, integer, sequence, TAG, time } from "../der.ts";
import type { SigningKey } from "../keys.ts";
import { authorityKeyId, crlNumber, deltaIndicator } from "./extensions.ts";
import { signatureAlgorithm, type SignatureScheme, signDer } from "./signature.ts";

export interface CrlFields {
  /** The issuer's name, DER. */
  readonly issuer: Bytes;
  readonly keyId: Bytes | undefined;
  readonly number: number;
  /** Of the list that this one adds to. */
  readonly deltaBase?: number;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** From `revokedEntry`. */
  readonly entries: readonly Bytes[];
  /** Further extensions, DER. */
  readonly extensions?: readonly Bytes[];
}

/** One certificate in a list; `ms` is when it was revoked. */
export function revokedEntry(serial: Bytes, ms: number): Bytes {
  return sequence(integer(serial), time(ms));
}

/** A list in DER, signed. */
export async function makeCrl(
  fields: CrlFields,
  key: SigningKey,
  scheme: SignatureScheme,
): Promise<Bytes> {
  const algorithm = signatureAlgorithm(key.algorithm, scheme);
  const extensions = [
    ...(fields.keyId === undefined ? [] : [authorityKeyId(fields.keyId)]),
    crlNumber(fields.number),
    ...(fields.deltaBase === undefined ? [] : [deltaIndicator(fields.deltaBase)]),
    ...(fields.extensions ?? []),
  ];
  const body = sequence(
    integer(1),
    algorithm,
    fields.issuer,
    time(fields.thisUpdate),
    time(fields.nextUpdate),
    ...(fields.entries.length === 0 ? [] : [element(TAG.sequence, concat(...fields.entries))]),
    explicit(0, sequence(...extensions)),
  );
  return sequence(body, algorithm, bits(await signDer(key, scheme, body)));
}
