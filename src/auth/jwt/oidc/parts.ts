/** What the paths of logins by browser have in common. */
import { badRequest, describeError, Failure } from "../../../base/failure.ts";
import { checkAddress } from "../../../core/authenticate.ts";
import type { Call, Platform } from "../../../core/backend.ts";
import type { Services } from "../../../core/services.ts";
import type { JsonObject } from "../../../logical/json.ts";
import {
  type Config,
  groupSeparatorOf,
  hasClient,
  readClientSecret,
  readConfig,
  sourceOf,
} from "../config.ts";
import type { KeySets, KnownSet } from "../key_sets.ts";
import type { CallProvider } from "../network.ts";
import { readRole, type Role } from "../role.ts";
import { fitting, readHeader, verifySignature } from "../verify.ts";
import { type Who, whoOf } from "../who.ts";
import { checkIdToken } from "./id_token.ts";
import type { OncePerRequest } from "./once.ts";
import { Provider, refusal, type Tokens } from "./provider.ts";
import type { LoginRecords } from "./records.ts";
import type { PendingLogin } from "./states.ts";

export interface OidcParts {
  readonly services: () => Services;
  readonly keySets: KeySets;
  readonly callProvider: CallProvider;
  /** What providers say in the logins that are being ended. */
  readonly vouched: OncePerRequest<Vouched | "authorization_pending" | "slow_down">;
  readonly records: LoginRecords;
}

/** What a provider says of somebody, verified. */
export interface Vouched {
  readonly claims: JsonObject;
  readonly tokens: Tokens;
}

export function platformOf({ services }: OidcParts): Platform {
  return services().mounts.platform;
}

/** The configuration, or a 400 where logins by browser are not set up. */
export async function oidcConfig(call: Call): Promise<Config> {
  const config = await readConfig(call);
  if (config === undefined) throw refusal("Could not load configuration.");
  if (!hasClient(config)) throw badRequest("OIDC login is not configured for this mount");
  return config;
}

/** The role that a login was begun for, as it is now. */
export async function roleOf(call: Call, { role: name }: PendingLogin): Promise<Role> {
  const role = await readRole(call.storage, name);
  if (role?.type !== "oidc") throw refusal("The role could not be found.");
  checkAddress(role.params.boundCidrs, call.request.connection.remoteAddress);
  return role;
}

/** The provider as it told of itself last. */
export async function providerOf(
  parts: OidcParts,
  call: Call,
  config: Config,
): Promise<Provider> {
  const { provider: metadata } = await keySet(parts, config);
  if (metadata === undefined) throw badRequest("OIDC login is not configured for this mount");
  return new Provider(metadata, config, await readClientSecret(call), parts.callProvider);
}

/** Its keys; read again where none of them can have signed. */
async function keySet(
  { keySets }: OidcParts,
  config: Config,
  isEnough: Parameters<KeySets["get"]>[1] = () => true,
): Promise<KnownSet> {
  const source = sourceOf(config);
  if (source === undefined) throw badRequest("OIDC login is not configured for this mount");
  try {
    return await keySets.get(source, isEnough);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw badRequest("No response from provider. Its discovery document can't be read.", error);
  }
}

/** What the provider's tokens say, once all of it is verified. */
export async function claimsOf(
  parts: OidcParts,
  provider: Provider,
  role: Role,
  tokens: Tokens,
  nonce: string | undefined,
): Promise<JsonObject> {
  const { config, metadata } = provider;
  const { crypto, clock } = platformOf(parts);
  const { supportedAlgorithms: allowed } = config;
  const header = readHeader(tokens.idToken, allowed.length === 0 ? ["RS256"] : allowed);
  const { keys } = await keySet(parts, config, fitting(header));
  const claims = await verifySignature(tokens.idToken, header, keys);
  checkIdToken(
    claims,
    header.algorithm,
    {
      issuer: metadata.issuer,
      clientId: config.clientId,
      audiences: role.boundAudiences,
      nonce,
      maxAge: role.maxAge,
      accessToken: tokens.accessToken,
    },
    clock.now(),
    crypto,
  );
  return claims;
}

/** All that the provider says of who has logged in there; `nonce` is undefined where none was sent. */
export async function vouch(
  parts: OidcParts,
  call: Call,
  provider: Provider,
  role: Role,
  tokens: Tokens,
  nonce: string | undefined,
): Promise<Vouched> {
  const signed = await claimsOf(parts, provider, role, tokens, nonce);
  const claims = { ...await furtherClaims(parts, call, provider, tokens, signed), ...signed };
  if (role.verboseOidcLogging) {
    platformOf(parts).log.debug("the claims of an OIDC login", {
      mount: call.mount.path,
      claims: Object.keys(claims).sort().join(", "),
    });
  }
  return { claims, tokens };
}

/** Who that is to us. Throws a 400 where the role is not for them. */
export function whoLoggedIn(
  config: Config,
  name: string,
  role: Role,
  { claims, tokens }: Vouched,
): Who {
  const who = whoOf(name, role, claims, groupSeparatorOf(config));
  return { ...who, tokenMetadata: providerTokens(role, tokens) };
}

/** What only the userinfo endpoint knows. A login does not fail because it does not answer. */
async function furtherClaims(
  parts: OidcParts,
  call: Call,
  provider: Provider,
  { accessToken }: Tokens,
  { sub }: JsonObject,
): Promise<JsonObject> {
  if (accessToken === "" || provider.metadata.userinfoEndpoint === "") return {};
  if (typeof sub !== "string") return {};
  try {
    return await provider.userinfo(accessToken, sub);
  } catch (error) {
    platformOf(parts).log.warn("the userinfo endpoint of an OIDC provider can't be read", {
      mount: call.mount.path,
      error: describeError(error),
    });
    return {};
  }
}

function providerTokens(role: Role, tokens: Tokens): Record<string, string> {
  const byName: Readonly<Record<string, string>> = {
    access_token: tokens.accessToken,
    id_token: tokens.idToken,
    refresh_token: tokens.refreshToken,
  };
  return Object.fromEntries(
    role.oauth2Metadata.map((name) => [`oauth2_${name}`, byName[name] ?? ""]),
  );
}
