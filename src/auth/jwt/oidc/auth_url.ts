/** `oidc/auth_url`: where a user is to log in. */
import { badRequest, describeError, Failure } from "../../../base/failure.ts";
import { field } from "../../../backend/field.ts";
import { type Path, path } from "../../../backend/path.ts";
import { toBase64Url, utf8 } from "../../../base/bytes.ts";
import type { Call } from "../../../core/backend.ts";
import type { LogicalResponse } from "../../../logical/response.ts";
import { type Config, hasClient, readConfig, wantsIdToken } from "../config.ts";
import { readRole, type Role } from "../role.ts";
import { type OidcParts, platformOf, providerOf } from "./parts.ts";
import { type Provider, refusal } from "./provider.ts";
import { isAllowedRedirect, splitNamespace } from "./redirects.ts";
import { type Begun, nonceDigest, type PendingLogin, sealState, stateLifeMs } from "./states.ts";

const fields = {
  role: field.lowercase("The role to log in for; the default one where none is given.", ""),
  redirect_uri: field.string("Where the provider is to send the browser. Not for devices.", ""),
  client_nonce: field.string("Ties the end of the login to who began it.", ""),
};

interface Asked {
  readonly name: string;
  readonly role: Role;
  readonly config: Config;
  readonly redirectUri: string;
  readonly clientNonce: string;
}

/** Characters of what a stranger gave. */
const longestLogged = 300;

/** Seconds between polls where neither role nor provider say. */
const defaultPoll = 5;

async function begin(
  parts: OidcParts,
  call: Call,
  given: { readonly role: string; readonly redirect_uri: string; readonly client_nonce: string },
): Promise<LogicalResponse> {
  const config = await readConfig(call);
  if (config === undefined) throw badRequest("could not load configuration");
  if (!hasClient(config)) throw badRequest("OIDC login is not configured for this mount");
  const name = given.role || config.defaultRole;
  if (name === "") throw badRequest("missing role");
  const role = await readRole(call.storage, name);
  if (role === undefined) throw badRequest(`role "${name}" could not be found`);
  if (role.type !== "oidc") throw badRequest(`role "${name}" is not for logins by browser`);
  if (role.callbackMode !== "client" && given.client_nonce === "") {
    throw badRequest("missing client_nonce");
  }
  const asked = {
    name,
    role,
    config,
    redirectUri: given.redirect_uri,
    clientNonce: given.client_nonce,
  };
  return role.callbackMode === "device"
    ? await beginDevice(parts, call, asked)
    : await beginBrowser(parts, call, asked);
}

async function beginBrowser(
  parts: OidcParts,
  call: Call,
  asked: Asked,
): Promise<LogicalResponse> {
  const { role, config } = asked;
  if (asked.redirectUri === "") throw badRequest("missing redirect_uri");
  const { address, namespace } = config.namespaceInState
    ? splitNamespace(asked.redirectUri)
    : { address: asked.redirectUri, namespace: "" };
  if (!isAllowedRedirect(address, role.allowedRedirectUris)) {
    platformOf(parts).log.warn("a login by browser is to come back to where it may not", {
      mount: call.mount.path,
      role: asked.name,
      redirect_uri: address.slice(0, longestLogged),
    });
    // Strangers are not told which addresses would do.
    return { data: { auth_url: "" } };
  }
  // A provider posts to the server itself, where a web interface does not know of that.
  const redirectUri = config.responseMode === "form_post"
    ? address.replace("ui/vault", "v1")
    : address;
  const provider = await providerOf(parts, call, config);
  const { state, login } = await sealState(
    call,
    platformOf(parts),
    begun(parts, call, asked, { redirectUri }),
  );
  const shown = namespace === "" ? state : `${state},ns=${namespace}`;
  return {
    data: {
      auth_url: authorizationUrl(parts, provider, role, login, shown),
      ...(role.callbackMode === "direct"
        ? { state, poll_interval: String(role.pollInterval || defaultPoll) }
        : {}),
    },
  };
}

function authorizationUrl(
  parts: OidcParts,
  { metadata, config }: Provider,
  role: Role,
  login: PendingLogin,
  state: string,
): string {
  if (metadata.authorizationEndpoint === "") {
    throw refusal("The provider names no authorization endpoint that can be used.");
  }
  const { crypto } = platformOf(parts);
  const url = new URL(metadata.authorizationEndpoint);
  const implicit = wantsIdToken(config);
  const challenge = toBase64Url(crypto.hash("sha256", utf8(login.verifier)));
  const parameters = {
    client_id: config.clientId,
    response_type: implicit ? "id_token" : "code",
    redirect_uri: login.redirectUri,
    scope: scopeOf(role),
    state,
    nonce: login.nonce,
    ...(config.responseMode === "form_post" ? { response_mode: "form_post" } : {}),
    ...(implicit ? {} : { code_challenge: challenge, code_challenge_method: "S256" }),
    ...(role.maxAge > 0 ? { max_age: String(role.maxAge) } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

async function beginDevice(parts: OidcParts, call: Call, asked: Asked): Promise<LogicalResponse> {
  const { role, config } = asked;
  const provider = await providerOf(parts, call, config);
  const device = await provider.beginDevice(scopeOf(role));
  const life = device.lifeSeconds * 1000;
  const { state } = await sealState(
    call,
    platformOf(parts),
    begun(parts, call, asked, { deviceCode: device.deviceCode, ...(life > 0 ? { life } : {}) }),
  );
  return {
    data: {
      auth_url: device.address,
      ...(device.isComplete ? {} : { user_code: device.userCode }),
      state,
      poll_interval: String(role.pollInterval || device.interval || defaultPoll),
    },
  };
}

function begun(
  parts: OidcParts,
  { request }: Call,
  { name, clientNonce }: Asked,
  how: { readonly redirectUri?: string; readonly deviceCode?: string; readonly life?: number },
): Begun {
  const platform = platformOf(parts);
  return {
    role: name,
    redirectUri: how.redirectUri ?? "",
    address: request.connection.remoteAddress,
    clientNonce: nonceDigest(platform, clientNonce),
    deviceCode: how.deviceCode ?? "",
    expires: platform.clock.now() + Math.min(how.life ?? stateLifeMs, stateLifeMs),
  };
}

function scopeOf({ oidcScopes }: Role): string {
  return [...new Set(["openid", ...oidcScopes])].join(" ");
}

export function authUrlPath(parts: OidcParts): Path {
  return path("oidc/auth_url", {
    summary: "Begins a login by browser or by another device.",
    fields,
    unauthenticated: true,
    operations: {
      update: {
        summary: "Answers where the user is to log in.",
        handler: async (call, given) => {
          try {
            return await begin(parts, call, given);
          } catch (error) {
            if (error instanceof Failure) {
              platformOf(parts).log.info("a login by browser could not begin", {
                mount: call.mount.path,
                error: describeError(error),
              });
            }
            throw error;
          }
        },
      },
    },
  });
}
