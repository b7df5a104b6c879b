/** Wrapping tokens in JWT form: ES512 (RFC 7518), with a key that never leaves the barrier. */
import { type Bytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { isJsonObject, parseJson } from "../logical/json.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { WrappingJwt } from "./wrapping.ts";

const storageKey = "core/wrapping/jwtkey";
const algorithm = { name: "ECDSA", namedCurve: "P-521" };
const signature = { name: "ECDSA", hash: "SHA-512" };
const header = toBase64Url(utf8(JSON.stringify({ alg: "ES512", typ: "JWT" })));

/** Makes signatures with one key, and tells whose are. */
export interface JwtSigner {
  sign(content: Bytes): Promise<Bytes>;
  verify(signature: Bytes, content: Bytes): Promise<boolean>;
}

/** Opens the key that is stored, which is a JWK in text. */
export type OpenJwtSigner = (jwk: string) => Promise<JwtSigner>;

/** Opens the cluster's signing key, making it on first use. */
export async function openWrappingJwt(
  transaction: Transaction,
  clock: Clock,
  openSigner: OpenJwtSigner = openPair,
): Promise<WrappingJwt> {
  let signer: Promise<JwtSigner> | undefined;
  let stored = await transaction.get(storageKey);
  if (stored === undefined) {
    const made = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    stored = utf8(JSON.stringify(await crypto.subtle.exportKey("jwk", made.privateKey)));
    transaction.put(storageKey, stored);
  }
  const text = fromUtf8(stored);
  // Imported on first use: most nodes never sign one.
  const open = () => signer ??= openSigner(text);
  return {
    async sign(claims) {
      const body = `${header}.${
        toBase64Url(utf8(JSON.stringify({ ...claims, type: "wrapping" })))
      }`;
      const signed = await (await open()).sign(utf8(body));
      return `${body}.${toBase64Url(signed)}`;
    },
    async tokenOf(jwt) {
      const [head, claims, signed, more] = jwt.split(".");
      if (head !== header || claims === undefined || more !== undefined) return undefined;
      const bytes = fromBase64Url(signed ?? "");
      const content = fromBase64Url(claims);
      if (bytes === undefined || content === undefined) return undefined;
      const good = await (await open()).verify(bytes, utf8(`${head}.${claims}`));
      if (!good) return undefined;
      const parsed = parseJson(fromUtf8(content));
      // It is cut to whole seconds; the token's own end is exact.
      if (!isJsonObject(parsed) || (Number(parsed.exp) + 1) * 1000 <= clock.now()) return undefined;
      return typeof parsed.jti === "string" ? parsed.jti : undefined;
    },
  };
}

/** By the runtime's own cryptography, beside everything else. */
async function openPair(text: string): Promise<JwtSigner> {
  const { privateKey, publicKey } = await importPair(text);
  const { subtle } = crypto;
  return {
    sign: async (content) => new Uint8Array(await subtle.sign(signature, privateKey, content)),
    verify: (signed, content) => subtle.verify(signature, publicKey, signed, content),
  };
}

async function importPair(text: string): Promise<CryptoKeyPair> {
  const jwk: JsonWebKey = JSON.parse(text);
  const { kty = "", crv = "", x = "", y = "" } = jwk;
  return {
    privateKey: await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("jwk", { kty, crv, x, y }, algorithm, false, [
      "verify",
    ]),
  };
}
