/**
 * The endpoints of a provider: tokens for a code (RFC 6749, PKCE of RFC 7636), the device flow
 * (RFC 8628), what else it knows of the user. Signatures are verified by jose (`verify.ts`).
 */
import { toBase64, utf8 } from "../../../base/bytes.ts";
import { badRequest } from "../../../base/failure.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../../logical/json.ts";
import type { Config } from "../config.ts";
import type { Metadata } from "../discovery.ts";
import type { CallProvider, ProviderAnswer } from "../network.ts";

/** What a provider hands out at the end of a login. "" for what it did not. */
export interface Tokens {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** How a user on another device is asked to log in. */
export interface DeviceLogin {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly address: string;
  /** It holds the user's code already. */
  readonly isComplete: boolean;
  /** Seconds; 0 where the provider does not say. */
  readonly interval: number;
  readonly lifeSeconds: number;
}

/** Throws a 400 whose text is meant for people; it holds no secret and nothing of an answer. */
export function refusal(sentence: string, cause?: unknown): Error {
  return badRequest(`Login failed. ${sentence}`, cause);
}

export class Provider {
  constructor(
    readonly metadata: Metadata,
    readonly config: Config,
    readonly clientSecret: string,
    readonly callProvider: CallProvider,
  ) {}

  async tokensFor(code: string, redirectUri: string, verifier: string): Promise<Tokens> {
    const answer = await this.#post("token endpoint", this.metadata.tokenEndpoint, {
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    if (answer.status !== 200) throw refused("exchange the code", answer);
    return tokensOf(answer);
  }

  async beginDevice(scope: string): Promise<DeviceLogin> {
    const answer = await this.#post("device endpoint", this.metadata.deviceEndpoint, { scope });
    if (answer.status !== 200) throw refused("begin a login of a device", answer);
    const body = objectOf(answer);
    // Some providers say url where the standard says uri.
    const complete = text(body.verification_uri_complete) || text(body.verification_url_complete);
    const address = complete || text(body.verification_uri) || text(body.verification_url);
    const deviceCode = text(body.device_code);
    if (address === "" || deviceCode === "") {
      throw refusal("The provider's answer lacks the code or the address of the device flow.");
    }
    return {
      deviceCode,
      userCode: text(body.user_code),
      address,
      isComplete: complete !== "",
      interval: number(body.interval),
      lifeSeconds: number(body.expires_in),
    };
  }

  /** The tokens of a device login, or what to tell who polls while there are none. */
  async pollDevice(deviceCode: string): Promise<Tokens | "authorization_pending" | "slow_down"> {
    const answer = await this.#post("token endpoint", this.metadata.tokenEndpoint, {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: deviceCode,
    });
    if (answer.status === 200) return tokensOf(answer);
    const error = errorCode(answer);
    if (error === "authorization_pending" || error === "slow_down") return error;
    throw refused("log in the device", answer);
  }

  /** What it tells of the user; rejects where it does not, or tells of another. */
  async userinfo(accessToken: string, subject: string): Promise<JsonObject> {
    const answer = await this.callProvider({
      url: this.metadata.userinfoEndpoint,
      method: "GET",
      headers: { accept: "application/json", authorization: `Bearer ${accessToken}` },
      body: "",
    }, this.config.discoveryCaPem);
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    const claims = objectOf(answer);
    if (claims.sub !== subject) throw new Error("it tells of another subject (sub)");
    return claims;
  }

  /** Shows the client's secret in the header, or in the body where that is the only way. */
  async #post(
    what: string,
    url: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<ProviderAnswer> {
    if (url === "") throw refusal(`The provider names no ${what} that can be used.`);
    const { clientId } = this.config;
    const body = new URLSearchParams(parameters);
    const headers: Record<string, string> = {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
    };
    if (this.#mayUse("client_secret_basic")) {
      const credentials = `${formEncoded(clientId)}:${formEncoded(this.clientSecret)}`;
      headers.authorization = `Basic ${toBase64(utf8(credentials))}`;
      // The device endpoint asks for it in any case (RFC 8628, 3.1).
      body.set("client_id", clientId);
    } else if (this.#mayUse("client_secret_post")) {
      body.set("client_id", clientId);
      body.set("client_secret", this.clientSecret);
    } else {throw refusal(
        "The provider takes no client secret, neither in the header nor the body.",
      );}
    const request = { url, method: "POST" as const, headers, body: body.toString() };
    return await this.callProvider(request, this.config.discoveryCaPem);
  }

  #mayUse(method: string): boolean {
    const { tokenAuthMethods } = this.metadata;
    if (tokenAuthMethods.length === 0) return method === "client_secret_basic";
    return tokenAuthMethods.includes(method);
  }
}

/** As a form writes it: what RFC 6749 (2.3.1) wants of credentials in the header. */
function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice("v=".length);
}

/** An error code of RFC 6749 and its kin; "" where the answer has none. */
function errorCode(answer: ProviderAnswer): string {
  const body = readJson(answer);
  const code = isJsonObject(body) ? text(body.error) : "";
  return /^[\w.-]{1,64}$/.test(code) ? code : "";
}

function refused(what: string, answer: ProviderAnswer): Error {
  const code = errorCode(answer);
  const reason = code === "" ? `status ${answer.status}` : code;
  return refusal(`The provider refused to ${what}: ${reason}.`);
}

function readJson(answer: ProviderAnswer): JsonValue | undefined {
  try {
    return parseJson(answer.text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function objectOf(answer: ProviderAnswer): JsonObject {
  const body = readJson(answer);
  if (isJsonObject(body)) return body;
  throw refusal("The provider's answer is no JSON object.");
}

function tokensOf(answer: ProviderAnswer): Tokens {
  const body = objectOf(answer);
  const idToken = text(body.id_token);
  if (idToken === "") throw refusal("The provider's answer holds no ID token.");
  return {
    idToken,
    accessToken: text(body.access_token),
    refreshToken: text(body.refresh_token),
  };
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function number(value: JsonValue | undefined): number {
  const found = Number(value);
  return Number.isFinite(found) && found > 0 ? Math.ceil(found) : 0;
}
