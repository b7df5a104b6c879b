/** What an ID token must say once its signature is known to be good (OpenID Connect Core 3.1.3.7). */
import { toBase64Url, utf8 } from "../../../base/bytes.ts";
import { badRequest } from "../../../base/failure.ts";
import type { CryptoProvider, HashName } from "../../../crypto/provider.ts";
import { isRawNumber, type JsonObject } from "../../../logical/json.ts";

export interface ExpectedIdToken {
  readonly issuer: string;
  readonly clientId: string;
  /** Of the role: the token must have one of them, where there are any. */
  readonly audiences: readonly string[];
  /** Undefined where none was sent, as in the device flow. */
  readonly nonce: string | undefined;
  /** Seconds since the user has shown who they are; 0 for any. */
  readonly maxAge: number;
  /** What came with the token; "" for none. */
  readonly accessToken: string;
}

/** Other clocks may be so much ahead. Nothing is given on the token's end. */
const skewSeconds = 60;

/** Throws a 400 that says what is wrong with the claims. */
export function checkIdToken(
  claims: JsonObject,
  algorithm: string,
  expected: ExpectedIdToken,
  nowMs: number,
  crypto: CryptoProvider,
): void {
  if (claims.iss !== expected.issuer) throw refused("its issuer (iss) is not the provider");
  checkAudience(claims, expected);
  checkTimes(claims, expected.maxAge, nowMs / 1000);
  if (typeof claims.sub !== "string" || claims.sub === "") throw refused("it has no subject (sub)");
  if (expected.nonce !== undefined && claims.nonce !== expected.nonce) {
    throw refused("its nonce is not that of this login");
  }
  checkAccessTokenHash(claims, algorithm, expected.accessToken, crypto);
}

function refused(reason: string): Error {
  return badRequest(`Token verification failed: the ID token is refused, as ${reason}.`);
}

function checkAudience(claims: JsonObject, { clientId, audiences }: ExpectedIdToken): void {
  const { aud, azp } = claims;
  const own = Array.isArray(aud) ? aud : [aud];
  if (!own.includes(clientId)) throw refused("it is not for this client (aud)");
  if (audiences.length > 0 && !own.some((one) => audiences.some((wanted) => wanted === one))) {
    throw refused("it is for none of the role's bound audiences (aud)");
  }
  if ((own.length > 1 || azp !== undefined) && azp !== clientId) {
    throw refused("it was issued to another client (azp)");
  }
}

function checkTimes(claims: JsonObject, maxAge: number, now: number): void {
  const expires = seconds(claims, "exp");
  const issued = seconds(claims, "iat");
  if (expires === undefined || issued === undefined) throw refused("it lacks one of exp and iat");
  if (now >= expires) throw refused("it is expired");
  if (now + skewSeconds < Math.max(issued, seconds(claims, "nbf") ?? 0)) {
    throw refused("it is not valid yet");
  }
  if (maxAge === 0) return;
  const shown = seconds(claims, "auth_time");
  if (shown === undefined) {
    throw refused("it does not tell when the user logged in (auth_time), which max_age needs");
  }
  if (now > shown + maxAge + skewSeconds) throw refused("the user logged in too long ago");
}

function seconds(claims: JsonObject, name: string): number | undefined {
  const value = claims[name];
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** Left half of the hash that belongs to the signature's algorithm; Ed25519 uses SHA-512. */
function checkAccessTokenHash(
  claims: JsonObject,
  algorithm: string,
  accessToken: string,
  crypto: CryptoProvider,
): void {
  if (claims.at_hash === undefined || accessToken === "") return;
  const hashes: Readonly<Record<string, HashName>> = {
    "256": "sha256",
    "384": "sha384",
    "512": "sha512",
  };
  const hash = crypto.hash(hashes[algorithm.slice(-3)] ?? "sha512", utf8(accessToken));
  if (claims.at_hash !== toBase64Url(hash.subarray(0, hash.length / 2))) {
    throw refused("it does not belong to the access token beside it (at_hash)");
  }
}
