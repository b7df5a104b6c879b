/** A service account's way to an access token: RFC 7523, as Google documents it. */
import type { Clock } from "../../base/clock.ts";
import { badRequest } from "../../base/failure.ts";
import { isJsonObject, parseJson } from "../../logical/json.ts";
import { limited, request, TargetRefusal } from "./remote.ts";

const scope = "https://www.googleapis.com/auth/devstorage.read_write";
const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Seconds; the longest that Google takes. */
const assertionTtl = 3600;
/** A token is not used in its last minute. */
const reserveMs = 60_000;

/** What is needed of a service account's key file. */
export interface GoogleKey {
  readonly clientEmail: string;
  /** PKCS#8 in PEM. */
  readonly privateKey: string;
  readonly tokenUri: string;
}

/** Throws a 400 that says what is missing, without any of the key. */
export function readGoogleKey(text: string): GoogleKey {
  const not = (what: string) => badRequest(`google_service_account_key is no key file: ${what}`);
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

export class GoogleLogin {
  #token = "";
  #until = 0;

  constructor(readonly key: GoogleKey, readonly clock: Clock) {}

  /** One that is still good for a while. */
  async token(signal: AbortSignal): Promise<string> {
    if (this.clock.now() < this.#until - reserveMs) return this.#token;
    const { tokenUri } = this.key;
    const now = this.clock.now();
    const response = await request("Google's login", new URL(tokenUri), {
      method: "POST",
      body: new URLSearchParams({ grant_type: grantType, assertion: await this.#assertion() }),
      signal: limited(signal),
    });
    const text = await response.text();
    if (!response.ok) throw new TargetRefusal("Google's login", response.status, text);
    const answer = parseJson(text);
    if (!isJsonObject(answer) || typeof answer.access_token !== "string") {
      throw new Error("Google's login answered without a token");
    }
    this.#token = answer.access_token;
    this.#until = now + Number(answer.expires_in ?? 0) * 1000;
    return this.#token;
  }

  async #assertion(): Promise<string> {
    const { importPKCS8, SignJWT } = await import("jose");
    const { clientEmail, privateKey, tokenUri } = this.key;
    const now = Math.floor(this.clock.now() / 1000);
    return await new SignJWT({ scope })
      .setProtectedHeader({ alg: "RS256", typ: "JWT" })
      .setIssuer(clientEmail)
      .setAudience(tokenUri)
      .setIssuedAt(now)
      .setExpirationTime(now + assertionTtl)
      .sign(await importPKCS8(privateKey, "RS256"));
  }
}
