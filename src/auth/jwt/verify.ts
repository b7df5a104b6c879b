/** Signature and times of a token (RFC 7515, RFC 7519). */
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from "jose";
import { fromUtf8 } from "../../base/bytes.ts";
import { badRequest, Failure } from "../../base/failure.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../logical/json.ts";
import { fittingKeys } from "./keys.ts";

export interface TokenHeader {
  readonly algorithm: string;
  readonly kid: string | undefined;
}

/** Of one role, seconds; 0 takes the default, below 0 is none. */
export interface Leeways {
  readonly expiration: number;
  readonly notBefore: number;
  readonly clockSkew: number;
}

const longestToken = 64 * 1024;
const defaultLeeway = 150;
const defaultSkew = 60;

/** What a token says of its signature, or a 400. */
export function readHeader(token: string, allowed: readonly string[]): TokenHeader {
  if (token.length > longestToken) throw badRequest("the token is too long");
  let header: { alg?: unknown; kid?: unknown };
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw badRequest("error validating token: malformed", cause);
  }
  const { alg, kid } = header;
  if (typeof alg !== "string" || !allowed.includes(alg)) {
    throw badRequest("error validating token: its signature algorithm is not allowed");
  }
  return { algorithm: alg, kid: typeof kid === "string" ? kid : undefined };
}

/** Whether a key set holds a key that may have made the signature. */
export function fitting({ algorithm, kid }: TokenHeader): (keys: readonly JWK[]) => boolean {
  return (keys) => fittingKeys(keys, algorithm, kid).length > 0;
}

/** The claims of a token that one of the keys has signed, or a 400. */
export async function verifySignature(
  token: string,
  { algorithm, kid }: TokenHeader,
  keys: readonly JWK[],
): Promise<JsonObject> {
  for (const key of fittingKeys(keys, algorithm, kid)) {
    const payload = await payloadBy(token, algorithm, key);
    if (payload !== undefined) return readClaims(payload);
  }
  throw badRequest("error validating token: no known key verified the signature");
}

async function payloadBy(
  token: string,
  algorithm: string,
  key: JWK,
): Promise<Uint8Array | undefined> {
  try {
    const { payload } = await compactVerify(token, await importJWK(key, algorithm), {
      algorithms: [algorithm],
    });
    return payload;
  } catch {
    // Whatever is wrong with this pair of token and key: it did not verify.
    return undefined;
  }
}

function readClaims(payload: Uint8Array): JsonObject {
  let claims: JsonValue;
  try {
    claims = parseJson(fromUtf8(payload));
  } catch (cause) {
    throw badRequest("error validating token: its claims are not JSON", cause);
  }
  if (!isJsonObject(claims)) throw badRequest("error validating token: it has no claims");
  return claims;
}

function seconds(claims: JsonObject, name: string): number {
  const value = claims[name];
  if (value === undefined || value === null) return 0;
  const number = typeof value === "object" && "rawJSON" in value ? Number(value.rawJSON) : value;
  if (typeof number === "number" && Number.isFinite(number)) return Math.trunc(number);
  throw badRequest(`error validating token: ${name} is no time`);
}

/**
 * Checks the times of a token. A missing end is the latest start and the expiration leeway, a
 * missing start is the issue, or the end less the not-before leeway; the skew is given on top.
 */
export function checkTimes(claims: JsonObject, leeways: Leeways, nowMs: number): void {
  const issued = seconds(claims, "iat");
  let expires = seconds(claims, "exp");
  let starts = seconds(claims, "nbf");
  if (issued === 0 && expires === 0 && starts === 0) {
    throw badRequest("error validating token: it has neither of iat, nbf, exp");
  }
  if (expires === 0) {
    expires = Math.max(issued, starts) + leeway(leeways.expiration, defaultLeeway);
  }
  if (starts === 0) starts = issued || expires - leeway(leeways.notBefore, defaultLeeway);
  const skew = leeway(leeways.clockSkew, defaultSkew);
  const now = nowMs / 1000;
  if (now - skew > expires) throw new Failure(400, "error validating token: token is expired");
  if (now + skew < starts) throw badRequest("error validating token: it is not valid yet");
  if (now + skew < issued) throw badRequest("error validating token: it was issued in the future");
}

function leeway(seconds: number, fallback: number): number {
  return seconds === 0 ? fallback : Math.max(0, seconds);
}
