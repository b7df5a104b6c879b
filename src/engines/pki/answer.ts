/** Certificates and keys in the form in which a client wants them. */
import { type Bytes, toBase64, wipe } from "../../base/bytes.ts";
import { pkcs1OfPkcs8, sec1OfPkcs8 } from "../../crypto/key_forms.ts";
import { type SigningKey, toPem } from "../../crypto/keys.ts";
import type { JsonObject } from "../../logical/json.ts";
import { typeOf } from "./key_types.ts";

/** A certificate as PEM, without the last line's end, as this API answers. */
export function certificatePem(der: Uint8Array): string {
  return toPem("CERTIFICATE", der).trimEnd();
}

/** A certificate in `format`: PEM, or DER in base64. */
export function certificateText(der: Uint8Array, format: string): string {
  return format === "der" ? toBase64(der) : certificatePem(der);
}

interface PrivateForm {
  readonly label: string;
  readonly der: Bytes;
}

function privateForm(key: SigningKey, format: string): PrivateForm {
  const pkcs8 = key.pkcs8();
  const { algorithm } = key;
  if (format === "pkcs8" || algorithm.type === "ed25519") {
    return { label: "PRIVATE KEY", der: pkcs8 };
  }
  try {
    return algorithm.type === "rsa"
      ? { label: "RSA PRIVATE KEY", der: pkcs1OfPkcs8(pkcs8) }
      : { label: "EC PRIVATE KEY", der: sec1OfPkcs8(pkcs8, algorithm.curve) };
  } finally {
    wipe(pkcs8);
  }
}

export interface Formats {
  readonly format: string;
  readonly private_key_format: string;
}

/** A private key's fields of an answer. */
export function privateKeyBody(
  key: SigningKey,
  { format, private_key_format }: Formats,
): { private_key: string; private_key_type: string } {
  const { label, der } = privateForm(key, private_key_format);
  const text = format === "der" ? toBase64(der) : toPem(label, der).trimEnd();
  wipe(der);
  return { private_key: text, private_key_type: typeOf(key.algorithm) };
}

/** What all answers with a certificate hold; `chain` is that of the issuer, itself first. */
export function certificateBody(
  der: Bytes,
  { format }: Pick<Formats, "format">,
  chain: readonly Bytes[],
  key?: { readonly private_key: string },
): JsonObject {
  const certificate = certificateText(der, format);
  const bundle = [...(key === undefined ? [] : [key.private_key]), certificate];
  if (format === "pem_bundle") bundle.push(...chain.map((link) => certificatePem(link)));
  const [issuer] = chain;
  return {
    certificate: format === "pem_bundle" ? bundle.join("\n") : certificate,
    issuing_ca: certificateText(issuer ?? der, format),
  };
}
