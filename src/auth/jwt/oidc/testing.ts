/** A provider in memory, for tests: hands out what it is told to, and remembers what it was asked. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { toBase64Url, utf8 } from "../../../base/bytes.ts";
import { badRequest, Failure } from "../../../base/failure.ts";
import type { NodeKit } from "../../../core/testing/kit.ts";
import { portableProvider } from "../../../crypto/portable.ts";
import { type JsonObject, type JsonValue, parseJson } from "../../../logical/json.ts";
import type { Storage } from "../../../storage/storage.ts";
import { enableAuth, loginNode } from "../../common/testing.ts";
import type { ProviderAnswer, ProviderRequest } from "../network.ts";

export const issuer = "https://idp.test";
export const clientId = "holdfast";
export const secret = "a secret of the client's";
export const redirect = "http://localhost:8250/oidc/callback";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

const own = await generateKeyPair("RS256", { extractable: true });
const jwk = { ...await exportJWK(own.publicKey), kid: "k", alg: "RS256", use: "sig" };
/** Keys that are none of the provider's. */
export const foreignKeys = await generateKeyPair("RS256", { extractable: true });

/** What can be different about one login. */
export interface Twist {
  readonly claims?: JWTPayload;
  readonly keys?: Keys;
  /** In place of the signed token. */
  readonly token?: (claims: JWTPayload) => string;
  readonly userinfo?: JsonObject;
  readonly tokenAnswer?: ProviderAnswer;
}

export class FakeProvider {
  kit: NodeKit | undefined;
  twist: Twist = {};
  metadata: JsonObject = {};
  /** Nobody answers. */
  isDown = false;
  readonly requests: ProviderRequest[] = [];
  /** Nonce and challenge of what was begun, by code. */
  readonly #codes = new Map<string, { nonce: string; challenge: string; redirectUri: string }>();

  readonly fetchDocument = (url: string): Promise<JsonValue> => {
    if (this.isDown) return Promise.reject(new Failure(400, `error reading ${url}`));
    if (url === `${issuer}/keys`) {
      return Promise.resolve(parseJson(JSON.stringify({ keys: [jwk] })));
    }
    return Promise.resolve({
      issuer,
      jwks_uri: `${issuer}/keys`,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/me`,
      device_authorization_endpoint: `${issuer}/device`,
      ...this.metadata,
    });
  };

  readonly callProvider = async (request: ProviderRequest): Promise<ProviderAnswer> => {
    this.requests.push(request);
    if (this.isDown) throw badRequest("No response from provider.");
    const { url, body } = request;
    if (url === `${issuer}/me`) return answer(200, this.twist.userinfo ?? { sub: "ann" });
    if (url === `${issuer}/device`) {
      return answer(200, { device_code: "dc", user_code: "UC", verification_uri: `${issuer}/d` });
    }
    if (this.twist.tokenAnswer !== undefined) return this.twist.tokenAnswer;
    const given = new URLSearchParams(body);
    if (given.has("device_code")) {
      return answer(200, { id_token: await this.idToken({}), access_token: "at" });
    }
    const code = given.get("code") ?? "";
    const begun = this.#codes.get(code);
    this.#codes.delete(code);
    const verifier = given.get("code_verifier") ?? "";
    const challenge = toBase64Url(portableProvider().hash("sha256", utf8(verifier)));
    if (begun?.challenge !== challenge || begun.redirectUri !== given.get("redirect_uri")) {
      return answer(400, { error: "invalid_grant" });
    }
    const id_token = await this.idToken({ nonce: begun.nonce });
    return answer(200, { id_token, access_token: "at", token_type: "Bearer" });
  };

  /** A signed ID token of ann's. */
  idToken(claims: JWTPayload): Promise<string> {
    const { twist } = this;
    const now = Math.floor((this.kit?.clock.now() ?? 0) / 1000);
    const all = {
      iss: issuer,
      sub: "ann",
      aud: clientId,
      iat: now,
      exp: now + 300,
      ...claims,
      ...twist.claims,
    };
    if (twist.token !== undefined) return Promise.resolve(twist.token(all));
    return new SignJWT(all).setProtectedHeader({ alg: "RS256", kid: "k" })
      .sign((twist.keys ?? own).privateKey);
  }

  /** What the user's browser brings back from an address. */
  logIn(address: string): { state: string; code: string } {
    const query = new URL(address).searchParams;
    const code = `code${this.#codes.size}-${query.get("state")?.slice(-8)}`;
    this.#codes.set(code, {
      nonce: query.get("nonce") ?? "",
      challenge: query.get("code_challenge") ?? "",
      redirectUri: query.get("redirect_uri") ?? "",
    });
    return { state: query.get("state") ?? "", code };
  }
}

function answer(status: number, body: JsonObject): ProviderAnswer {
  return { status, text: JSON.stringify(body) };
}

/** A node with the method at auth/oidc/ and the role r. */
export async function oidcNode(
  role: JsonObject = {},
  config: JsonObject = {},
  physical?: Storage,
): Promise<{ kit: NodeKit; provider: FakeProvider }> {
  const provider = new FakeProvider();
  const kit = await loginNode(physical, provider.fetchDocument, provider.callProvider);
  provider.kit = kit;
  await enableAuth(kit, "oidc");
  await kit.ask("update", "auth/oidc/config", {
    data: {
      oidc_discovery_url: issuer,
      oidc_client_id: clientId,
      oidc_client_secret: secret,
      ...config,
    },
  });
  await kit.ask("update", "auth/oidc/role/r", {
    data: { user_claim: "sub", allowed_redirect_uris: redirect, ...role },
  });
  return { kit, provider };
}

/** Asks where to log in. */
export async function begin(kit: NodeKit, data: JsonObject = {}): Promise<JsonObject> {
  const asked = await kit.ask("update", "auth/oidc/oidc/auth_url", {
    token: "",
    data: { role: "r", redirect_uri: redirect, ...data },
  });
  return asked.data ?? {};
}

/** Comes back from there: the status. */
export function end(kit: NodeKit, data: JsonObject): Promise<number> {
  return kit.status("read", "auth/oidc/oidc/callback", { token: "", data });
}

/** Begins, logs in and comes back: the status. */
export async function whole(
  { kit, provider }: { kit: NodeKit; provider: FakeProvider },
  data: JsonObject = {},
): Promise<number> {
  return await end(kit, provider.logIn(String((await begin(kit, data)).auth_url)));
}
