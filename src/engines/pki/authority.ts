/** Certificates of authorities: roots, intermediates, and requests for them. */
import { badRequest } from "../../base/failure.ts";
import type { Call } from "../../core/backend.ts";
import type { SigningKey } from "../../crypto/keys.ts";
import { type Bytes, toBase64, wipe } from "../../base/bytes.ts";
import { encodeName } from "../../crypto/x509/name.ts";
import { schemeFor, type SignatureScheme } from "../../crypto/x509/signature.ts";
import type { AltNames } from "../../crypto/x509/extensions.ts";
import { type Engine, platformOf } from "./engine.ts";
import { addKey, checkKeyName, type KeyInfo, requireKey } from "./key_store.ts";
import { makeKey, typeOf } from "./key_types.ts";
import { type Lifetime, lifetime } from "./lifetime.ts";
import { askedNames, type NamesAsked, withCommonName } from "./requested_names.ts";

export interface SubjectInput extends NamesAsked {
  readonly ou: readonly string[];
  readonly organization: readonly string[];
  readonly country: readonly string[];
  readonly locality: readonly string[];
  readonly province: readonly string[];
  readonly street_address: readonly string[];
  readonly postal_code: readonly string[];
}

export interface KeyInput {
  readonly key_type: string;
  readonly key_bits: number;
  readonly key_name: string;
  readonly key_ref: string;
  readonly signature_bits: number;
  readonly use_pss: boolean;
}

/** How the key of a new authority comes to be. */
export type KeySource = "internal" | "exported" | "existing";

/** A 400 for other words. */
export function keySource(text: string): KeySource {
  if (text === "internal" || text === "exported" || text === "existing") return text;
  if (text === "kms") throw badRequest("keys of a KMS are not supported");
  throw badRequest(`the "exported" path parameter must be "internal", "existing" or "exported"`);
}

/** A 400 for path lengths that can't be. */
export function checkPathLength(length: number): void {
  if (length < -1) throw badRequest("max_path_length must be -1 or more");
}

/** A 400 where a request wants a key that is there, and says of what kind it is to be made. */
export function checkExisting(call: Call, source: KeySource): void {
  if (source !== "existing") return;
  for (const name of ["key_type", "key_bits"]) {
    if (call.request.data[name] !== undefined) {
      throw badRequest(`${name} can't be given for a key that exists`);
    }
  }
}

/** Keeps a key that was just made, or found elsewhere. */
export async function keepKey(
  engine: Engine,
  call: Call,
  key: SigningKey,
  name: string,
): Promise<KeyInfo> {
  const info: KeyInfo = {
    id: platformOf(engine).random.uuid(),
    name,
    type: typeOf(key.algorithm),
    publicKey: toBase64(key.publicKey.spki()),
  };
  const pkcs8 = key.pkcs8();
  await addKey(call, info, pkcs8);
  wipe(pkcs8);
  return info;
}

/** Gives the key that a request wants to `use`: a new one, which is kept, or one that is there. */
export async function withKey<T>(
  engine: Engine,
  call: Call,
  source: KeySource,
  input: KeyInput,
  use: (key: SigningKey, info: KeyInfo, scheme: SignatureScheme) => Promise<T>,
): Promise<T> {
  if (source === "existing") {
    const info = await requireKey(call, input.key_ref);
    return await engine.keys.with(
      call.storage,
      info.id,
      (key) => use(key, info, schemeFor(key.algorithm, input.signature_bits, input.use_pss)),
    );
  }
  await checkKeyName(call, input.key_name);
  const key = await makeKey(platformOf(engine).crypto.keys, input.key_type, input.key_bits);
  try {
    const info = await keepKey(engine, call, key, input.key_name);
    return await use(key, info, schemeFor(key.algorithm, input.signature_bits, input.use_pss));
  } finally {
    key.destroy();
  }
}

/** The subject's name, DER. */
export function subjectOf(input: SubjectInput): Bytes {
  return encodeName({
    country: input.country,
    province: input.province,
    locality: input.locality,
    streetAddress: input.street_address,
    postalCode: input.postal_code,
    organization: input.organization,
    organizationalUnit: input.ou,
    commonName: input.common_name,
    serialNumber: input.serial_number,
    userIds: [],
  });
}

export function authorityNames(input: SubjectInput): AltNames {
  const commonName = input.exclude_cn_from_sans ? "" : input.common_name;
  return withCommonName(askedNames(input), commonName, false);
}

/** Till when an authority lives: not beyond the mount's maximum. */
export function authorityLife(
  engine: Engine,
  call: Call,
  input: {
    readonly ttl: number | undefined;
    readonly not_after: string;
    readonly not_before: string;
    readonly not_before_duration: number;
  },
): Lifetime {
  if (input.not_before_duration < 0) throw badRequest("not_before_duration can't be negative");
  return lifetime(
    { ttl: input.ttl, notAfter: input.not_after, notBefore: input.not_before },
    {
      ttl: 0,
      maxTtl: 0,
      notBeforeDuration: input.not_before_duration,
      notBefore: "",
      notBeforeBound: "permit",
      notAfter: "",
      notAfterBound: "permit",
    },
    call.mount,
    platformOf(engine).clock.now(),
  );
}

export const noUrlsWarning =
  "no addresses are set (config/urls, or the issuer's own): certificates will not say where the " +
  "issuer's certificate, its revocation list or OCSP are found";
