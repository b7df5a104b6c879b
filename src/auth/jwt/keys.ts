/** Public keys that tokens are verified with, in JWK form (RFC 7517), and which may serve what. */
import { createPublicKey } from "node:crypto";
import type { JWK } from "jose";
import { badRequest } from "../../base/failure.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";

/** Signature algorithms that are understood, by what the key must be. No symmetric ones, no none. */
const keyOfAlgorithm: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
};

export const algorithms: readonly string[] = Object.keys(keyOfAlgorithm);

/** The key of a PEM text (public key or certificate), or a 400. */
export function readPem(pem: string): JWK {
  try {
    const key = createPublicKey(pem).export({ format: "jwk" });
    const jwk = publicPart(JSON.parse(JSON.stringify(key)));
    if (jwk !== undefined) return jwk;
  } catch (cause) {
    throw badRequest("error parsing public key", cause);
  }
  throw badRequest("public key of an unsupported type");
}

/** The keys of a set; members that are no public signature keys are left out. */
export function readKeySet(document: JsonValue): JWK[] {
  if (!isJsonObject(document) || !Array.isArray(document.keys)) {
    throw badRequest("the key set is no JSON Web Key Set");
  }
  const keys: JWK[] = [];
  for (const member of document.keys) {
    const jwk = isJsonObject(member) && member.use !== "enc" ? publicPart(member) : undefined;
    if (jwk !== undefined) keys.push(jwk);
  }
  return keys;
}

/** Only what a public key consists of. */
function publicPart(given: JsonObject): JWK | undefined {
  const text = (name: string) => {
    const value = given[name];
    return typeof value === "string" ? value : undefined;
  };
  const kty = text("kty");
  const { kid, alg } = { kid: text("kid"), alg: text("alg") };
  const named = {
    ...(kid === undefined ? {} : { kid }),
    ...(alg === undefined ? {} : { alg }),
  };
  const [n, e, crv, x, y] = [text("n"), text("e"), text("crv"), text("x"), text("y")];
  if (kty === "RSA" && n !== undefined && e !== undefined) return { kty, n, e, ...named };
  if (crv === undefined || x === undefined) return undefined;
  if (kty === "EC" && y !== undefined) return { kty, crv, x, y, ...named };
  return kty === "OKP" ? { kty, crv, x, ...named } : undefined;
}

/** Keys that may have made a signature by `algorithm`; a `kid` on both sides must agree. */
export function fittingKeys(
  keys: readonly JWK[],
  algorithm: string,
  kid: string | undefined,
): JWK[] {
  const wanted = keyOfAlgorithm[algorithm];
  if (wanted === undefined) return [];
  return keys.filter((key) =>
    key.kty === wanted.kty && (wanted.crv === undefined || key.crv === wanted.crv) &&
    (key.alg === undefined || key.alg === algorithm) &&
    (kid === undefined || key.kid === undefined || key.kid === kid)
  );
}
