/** What a provider tells of itself (OpenID Connect Discovery 1.0). */
import { badRequest } from "../../base/failure.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import type { FetchDocument } from "./network.ts";

/** Endpoints are "" where it has none. */
export interface Metadata {
  readonly issuer: string;
  readonly jwksUrl: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly userinfoEndpoint: string;
  readonly deviceEndpoint: string;
  /** How its token endpoint wants to be shown the client's secret; empty where it does not say. */
  readonly tokenAuthMethods: readonly string[];
}

export const discoveryPath = ".well-known/openid-configuration";

/** Reads the document of an issuer, which must say that it is that issuer's. */
export async function discover(
  fetchDocument: FetchDocument,
  url: string,
  caPem: string,
): Promise<Metadata> {
  const base = url.replace(/\/$/, "");
  const document = await fetchDocument(`${base}/${discoveryPath}`, caPem);
  if (!isJsonObject(document)) throw badRequest("the discovery document is no JSON object");
  const { issuer, jwks_uri: jwksUrl } = document;
  if (typeof issuer !== "string" || issuer.replace(/\/$/, "") !== base) {
    throw badRequest("the issuer of the discovery document is not the discovery URL");
  }
  if (typeof jwksUrl !== "string") throw badRequest("the discovery document names no key set");
  return {
    issuer,
    jwksUrl,
    authorizationEndpoint: endpoint(document, issuer, "authorization_endpoint"),
    tokenEndpoint: endpoint(document, issuer, "token_endpoint"),
    userinfoEndpoint: endpoint(document, issuer, "userinfo_endpoint"),
    deviceEndpoint: endpoint(document, issuer, "device_authorization_endpoint"),
    tokenAuthMethods: texts(document.token_endpoint_auth_methods_supported),
  };
}

/** What goes to an endpoint is secret: whose document came by TLS has no endpoint without it. */
function endpoint(document: JsonObject, issuer: string, name: string): string {
  const url = document[name];
  if (typeof url !== "string" || !URL.canParse(url)) return "";
  const { protocol } = new URL(url);
  return protocol === "https:" || (protocol === "http:" && issuer.startsWith("http:")) ? url : "";
}

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
