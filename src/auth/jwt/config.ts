/** `config`: where the keys come from, and whose tokens they are. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, describeError, Failure, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, Platform } from "../../core/backend.ts";
import type { JsonObject } from "../../logical/json.ts";
import { type LogicalResponse, withWarnings } from "../../logical/response.ts";
import { discoveryPath } from "./discovery.ts";
import type { KeySets, KeySource } from "./key_sets.ts";
import { algorithms, readPem } from "./keys.ts";
import { renewStateKey } from "./oidc/states.ts";

export interface Config {
  readonly discoveryUrl: string;
  readonly discoveryCaPem: string;
  readonly clientId: string;
  readonly responseMode: string;
  readonly responseTypes: readonly string[];
  readonly jwksUrl: string;
  readonly jwksCaPem: string;
  readonly publicKeys: readonly string[];
  readonly supportedAlgorithms: readonly string[];
  readonly boundIssuer: string;
  readonly defaultRole: string;
  readonly providerConfig: JsonObject;
  readonly namespaceInState: boolean;
  readonly allowedServerNames: readonly string[];
}

/** As it lies in the storage. */
interface StoredConfig extends Config {
  readonly clientSecret: string;
}

const fields = {
  oidc_discovery_url: field.string("Issuer whose keys are found by OIDC discovery.", ""),
  oidc_discovery_ca_pem: field.string("Authorities for its TLS certificate.", ""),
  oidc_client_id: field.string("Client ID, for logins by browser.", ""),
  oidc_client_secret: field.string("Client secret.", ""),
  oidc_response_mode: field.string("How the provider answers: query or form_post.", ""),
  oidc_response_types: field.list("What it answers with: code or id_token.", []),
  jwks_url: field.string("Address of a JSON Web Key Set.", ""),
  jwks_ca_pem: field.string("Authorities for its TLS certificate.", ""),
  jwt_validation_pubkeys: field.list("Public keys in PEM form.", []),
  jwt_supported_algs: field.list("Signature algorithms that are allowed; all where empty.", []),
  bound_issuer: field.string("The iss that tokens must have.", ""),
  default_role: field.lowercase("Role of logins that name none.", ""),
  provider_config: field.map("What is special about the provider, under its name.", {}),
  namespace_in_state: field.bool("Passes the namespace in the state. True at first."),
  override_allowed_server_names: field.list("Accepted for compatibility.", []),
  skip_jwks_validation: field.bool("Keeps the configuration though nobody answers.", false),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

const key = "config";

/** The configuration, without the client's secret: it is kept in memory. */
export async function readConfig(call: Call): Promise<Config | undefined> {
  return await call.cached(key, (bytes): Config => {
    const { clientSecret: _, ...config } = decode(bytes);
    return config;
  });
}

/** The client's secret, "" for none. */
export async function readClientSecret(call: Call): Promise<string> {
  const bytes = await call.storage.get(key);
  return bytes === undefined ? "" : decode(bytes).clientSecret;
}

function decode(bytes: Uint8Array): StoredConfig {
  return JSON.parse(fromUtf8(bytes));
}

/** Whether logins by browser are possible. */
export function hasClient(config: Config): boolean {
  return config.discoveryUrl !== "" && config.clientId !== "";
}

/** Whether the provider answers with the ID token itself rather than with a code for it. */
export function wantsIdToken(config: Config): boolean {
  return config.responseTypes.includes("id_token");
}

/**
 * Providers that differ in how they write groups, by the names that provider_config gives them.
 * Azure lists them as everybody does, but for who is in more than 200.
 */
const groupSeparators: Readonly<Record<string, string | undefined>> = {
  azure: undefined,
  secureauth: ",",
  ibmisam: " ",
};

/** Between groups that come as one text; undefined where that is the name of one group. */
export function groupSeparatorOf({ providerConfig: { provider } }: Config): string | undefined {
  return typeof provider === "string" ? groupSeparators[provider] : undefined;
}

/** Where the keys of a configuration are read; undefined where it holds them. */
export function sourceOf(config: Config): KeySource | undefined {
  const { discoveryUrl, discoveryCaPem, jwksUrl, jwksCaPem } = config;
  if (discoveryUrl !== "") return { url: discoveryUrl, caPem: discoveryCaPem, discovery: true };
  return jwksUrl === "" ? undefined : { url: jwksUrl, caPem: jwksCaPem, discovery: false };
}

function configOf(given: Given, before: Config | undefined): StoredConfig {
  return {
    discoveryUrl: given.oidc_discovery_url.split(discoveryPath)[0] ?? "",
    discoveryCaPem: given.oidc_discovery_ca_pem,
    clientId: given.oidc_client_id,
    clientSecret: given.oidc_client_secret,
    responseMode: given.oidc_response_mode,
    responseTypes: given.oidc_response_types,
    jwksUrl: given.jwks_url,
    jwksCaPem: given.jwks_ca_pem,
    publicKeys: given.jwt_validation_pubkeys,
    supportedAlgorithms: given.jwt_supported_algs,
    boundIssuer: given.bound_issuer,
    defaultRole: given.default_role,
    providerConfig: given.provider_config,
    namespaceInState: given.namespace_in_state ?? before?.namespaceInState ?? true,
    allowedServerNames: given.override_allowed_server_names,
  };
}

function check(config: StoredConfig): void {
  const { discoveryUrl, jwksUrl, publicKeys } = config;
  const ways = [discoveryUrl !== "", jwksUrl !== "", publicKeys.length > 0];
  if (ways.filter((given) => given).length !== 1) {
    throw badRequest(
      "exactly one of oidc_discovery_url, jwks_url and jwt_validation_pubkeys must be set",
    );
  }
  if ((config.clientId !== "" || config.clientSecret !== "") && discoveryUrl === "") {
    throw badRequest("oidc_client_id and oidc_client_secret need oidc_discovery_url");
  }
  if ((config.clientId === "") !== (config.clientSecret === "")) {
    throw badRequest("oidc_client_id and oidc_client_secret must be set together");
  }
  for (const name of config.supportedAlgorithms) {
    if (!algorithms.includes(name)) throw badRequest(`unsupported algorithm "${name}"`);
  }
  if (!["", "query", "form_post"].includes(config.responseMode)) {
    throw badRequest("invalid oidc_response_mode");
  }
  for (const type of config.responseTypes) {
    if (!["code", "id_token"].includes(type)) throw badRequest("invalid oidc_response_types");
  }
  if (wantsIdToken(config) && config.responseMode !== "form_post") {
    throw badRequest("the response type id_token needs the response mode form_post");
  }
  checkProvider(config.providerConfig);
  for (const pem of publicKeys) readPem(pem);
}

function checkProvider(config: JsonObject): void {
  if (Object.keys(config).length === 0) return;
  const { provider } = config;
  if (typeof provider !== "string") throw badRequest("provider_config needs the field provider");
  if (Object.hasOwn(groupSeparators, provider)) return;
  const known = Object.keys(groupSeparators).join(", ");
  throw badRequest(`provider_config: "${provider}" is not a provider known here: ${known}`);
}

function shown(config: Config): JsonObject {
  return {
    bound_issuer: config.boundIssuer,
    default_role: config.defaultRole,
    jwks_ca_pem: config.jwksCaPem,
    jwks_url: config.jwksUrl,
    jwt_supported_algs: [...config.supportedAlgorithms],
    jwt_validation_pubkeys: [...config.publicKeys],
    namespace_in_state: config.namespaceInState,
    oidc_client_id: config.clientId,
    oidc_discovery_ca_pem: config.discoveryCaPem,
    oidc_discovery_url: config.discoveryUrl,
    oidc_response_mode: config.responseMode,
    oidc_response_types: [...config.responseTypes],
    override_allowed_server_names: [...config.allowedServerNames],
    provider_config: config.providerConfig,
    status: "valid",
  };
}

async function read(call: Call, keySets: KeySets): Promise<LogicalResponse> {
  const config = await readConfig(call);
  if (config === undefined) throw notFound();
  const problem = await problemOf(config, keySets);
  if (problem === undefined) return { data: shown(config) };
  return withWarnings({ data: { ...shown(config), status: "invalid" } }, [problem]);
}

/** Why nobody can log in for now; undefined where all is well. */
async function problemOf(config: Config, keySets: KeySets): Promise<string | undefined> {
  const source = sourceOf(config);
  if (source === undefined) return undefined;
  try {
    await keySets.get(source, () => true);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return describeError(error);
    throw error;
  }
}

async function write(
  call: Call,
  platform: Platform,
  keySets: KeySets,
  given: Given,
): Promise<LogicalResponse | undefined> {
  const config = configOf(given, await readConfig(call));
  check(config);
  const warnings = config.discoveryUrl === given.oidc_discovery_url
    ? []
    : [`oidc_discovery_url is kept as ${config.discoveryUrl}`];
  const source = sourceOf(config);
  if (source !== undefined) {
    try {
      await keySets.check(source);
    } catch (error) {
      if (!given.skip_jwks_validation || !(error instanceof Failure)) throw error;
      warnings.push(describeError(error));
    }
  }
  call.storage.put(key, utf8(JSON.stringify(config)));
  // A login that was begun with one provider must not end with another.
  renewStateKey(call.storage, platform);
  return warnings.length === 0 ? undefined : withWarnings({}, warnings);
}

export function configPath(platform: () => Platform, keySets: KeySets): Path {
  return path("config", {
    summary: "Where the keys come from, and how to reach the provider of logins by browser.",
    fields,
    operations: {
      read: {
        summary: "Reads the configuration; the client secret is not shown.",
        handler: (call) => read(call, keySets),
      },
      update: {
        summary: "Sets the configuration. Logins by browser that are under way begin anew.",
        handler: (call, given) => write(call, platform(), keySets, given),
      },
    },
  });
}
