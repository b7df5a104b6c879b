/** A service account's way to an access token: RFC 7523, as Google documents it. */
import type { Clock } from "../../../base/clock.ts";
import { badRequest } from "../../../base/failure.ts";
import { isJsonObject, parseJson } from "../../../logical/json.ts";
import { ask, bearerOf } from "./ask.ts";
import type { Ending } from "./renewed.ts";

const scope = "https://www.googleapis.com/auth/devstorage.read_write";
const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Seconds; the longest that Google takes. */
const assertionTtl = 3600;
const login = "Google's login";

/** What is needed of a service account's key file. */
export interface GoogleKey {
  readonly clientEmail: string;
  /** PKCS#8 in PEM. */
  readonly privateKey: string;
  readonly tokenUri: string;
}

/** Throws a 400 that says what is missing, without any of the key. `name` is what the text is called. */
export function readGoogleKey(text: string, name = "google_service_account_key"): GoogleKey {
  const not = (what: string) => badRequest(`${name} is no key file: ${what}`);
  let file;
  try {
    file = parseJson(text);
  } catch {
    // The parser's sentence may show a part of the key.
    throw not("it is no JSON");
  }
  if (!isJsonObject(file)) throw not("it is no object");
  const { client_email, private_key, token_uri } = file;
  if (typeof client_email !== "string") throw not("it has no client_email");
  if (typeof private_key !== "string" || !private_key.includes("BEGIN PRIVATE KEY")) {
    throw not("it has no private_key");
  }
  if (typeof token_uri !== "string" || !isWebUrl(token_uri)) {
    throw not("it has no token_uri");
  }
  return { clientEmail: client_email, privateKey: private_key, tokenUri: token_uri };
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

/** A new one, good for an hour. */
export async function serviceAccountToken(
  key: GoogleKey,
  clock: Clock,
  signal: AbortSignal,
): Promise<Ending<string>> {
  const now = clock.now();
  const body = new URLSearchParams({
    grant_type: grantType,
    assertion: await assertion(key, Math.floor(now / 1000)),
  });
  const url = new URL(key.tokenUri);
  return bearerOf(login, await ask(login, url, { method: "POST", body, signal }), now);
}

async function assertion(key: GoogleKey, now: number): Promise<string> {
  const { importPKCS8, SignJWT } = await import("jose");
  const { clientEmail, privateKey, tokenUri } = key;
  return await new SignJWT({ scope })
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuer(clientEmail)
    .setAudience(tokenUri)
    .setIssuedAt(now)
    .setExpirationTime(now + assertionTtl)
    .sign(await importPKCS8(privateKey, "RS256"));
}
