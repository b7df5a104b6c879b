/** Signatures that node:crypto of Deno can't make, or makes on the event loop only. */
import type { KeyObject } from "node:crypto";
import { type Bytes, concat, fromBase64Url, wipe } from "../base/bytes.ts";
import { COORDINATE_LENGTHS } from "./ecdsa_format.ts";
import { HASH_LENGTHS } from "./hashes.ts";
import type { SignatureHash, SignatureOptions } from "./keys.ts";

type Curve = keyof typeof COORDINATE_LENGTHS;

/**
 * Deno's ECDSA refuses digests shorter than half the curve's order, which FIPS 186-5 allows. Those
 * (SHA-256 with P-521, for instance) go to the audited package @noble/curves.
 */
export function needsNoble(curve: Curve, hash: SignatureHash): boolean {
  return HASH_LENGTHS[hash] * 2 < COORDINATE_LENGTHS[curve];
}

const AS_DIGEST = { prehash: false, lowS: false, format: "der" } as const;

/** ECDSA over a digest, DER. */
export async function nobleSign(
  key: KeyObject,
  curve: Curve,
  digest: Uint8Array,
): Promise<Bytes> {
  const scalar = coordinate(key.export({ format: "jwk" }).d);
  const made = (await loadCurve(curve)).sign(digest, scalar, AS_DIGEST);
  wipe(scalar);
  return new Uint8Array(made);
}

/** Whether an ECDSA signature over a digest, DER, is right. */
export async function nobleVerify(
  key: KeyObject,
  curve: Curve,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { x, y } = key.export({ format: "jwk" });
  const point = concat(new Uint8Array([4]), coordinate(x), coordinate(y));
  return (await loadCurve(curve)).verify(signature, digest, point, AS_DIGEST);
}

async function loadCurve(curve: Curve) {
  const { p256, p384, p521 } = await import("@noble/curves/nist");
  return { p256, p384, p521 }[curve];
}

function coordinate(text: string | undefined): Bytes {
  const bytes = fromBase64Url(text ?? "");
  if (bytes === undefined || bytes.length === 0) throw new TypeError("the key lacks a coordinate");
  return bytes;
}

/** WebCrypto's names; it lacks SHA-224 and SHA-3. */
const WEB_HASHES: Partial<Record<SignatureHash, string>> = {
  sha1: "SHA-1",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};

/** RSA signature by WebCrypto, which works on another thread. Undefined where it lacks the digest. */
export async function webRsaSign(
  pkcs8: Bytes,
  data: Uint8Array,
  options: SignatureOptions,
): Promise<Bytes | undefined> {
  const { hash = "sha256", padding = "pss" } = options;
  const webHash = WEB_HASHES[hash];
  if (webHash === undefined) return undefined;
  const name = padding === "pss" ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
  const algorithm = { name, hash: webHash };
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  const saltLength = options.saltLength ?? HASH_LENGTHS[hash];
  const made = await crypto.subtle.sign({ name, saltLength }, key, new Uint8Array(data));
  return new Uint8Array(made);
}
