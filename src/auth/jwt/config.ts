/** `config`: where the keys come from, and whose tokens they are. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { KeySets, KeySource } from "./key_sets.ts";
import { algorithms, readPem } from "./keys.ts";

export interface Config {
  readonly discoveryUrl: string;
  readonly discoveryCaPem: string;
  readonly clientId: string;
  readonly clientSecret: string;
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

const fields = {
  oidc_discovery_url: field.string("Issuer whose keys are found by OIDC discovery.", ""),
  oidc_discovery_ca_pem: field.string("Authorities for its TLS certificate.", ""),
  oidc_client_id: field.string("Client ID, for logins by browser.", ""),
  oidc_client_secret: field.string("Client secret.", ""),
  oidc_response_mode: field.string("query or form_post.", ""),
  oidc_response_types: field.list("code or id_token.", []),
  jwks_url: field.string("Address of a JSON Web Key Set.", ""),
  jwks_ca_pem: field.string("Authorities for its TLS certificate.", ""),
  jwt_validation_pubkeys: field.list("Public keys in PEM form.", []),
  jwt_supported_algs: field.list("Signature algorithms that are allowed; all where empty.", []),
  bound_issuer: field.string("The iss that tokens must have.", ""),
  default_role: field.lowercase("Role of logins that name none.", ""),
  provider_config: field.map("Accepted for compatibility.", {}),
  namespace_in_state: field.bool("Accepted for compatibility.", true),
  override_allowed_server_names: field.list("Accepted for compatibility.", []),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

const key = "config";

export async function readConfig(call: Call): Promise<Config | undefined> {
  return await call.cached(key, (bytes): Config => JSON.parse(fromUtf8(bytes)));
}

/** Where the keys of a configuration are read; undefined where it holds them. */
export function sourceOf(config: Config): KeySource | undefined {
  const { discoveryUrl, discoveryCaPem, jwksUrl, jwksCaPem } = config;
  if (discoveryUrl !== "") return { url: discoveryUrl, caPem: discoveryCaPem, discovery: true };
  return jwksUrl === "" ? undefined : { url: jwksUrl, caPem: jwksCaPem, discovery: false };
}

async function configOf(given: Given, keySets: KeySets): Promise<Config> {
  const config: Config = {
    discoveryUrl: given.oidc_discovery_url,
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
    namespaceInState: given.namespace_in_state,
    allowedServerNames: given.override_allowed_server_names,
  };
  check(config);
  const source = sourceOf(config);
  if (source !== undefined) await keySets.check(source);
  return config;
}

function check(config: Config): void {
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
  for (const pem of publicKeys) readPem(pem);
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

export function configPath(keySets: KeySets): Path {
  return path("config", {
    summary: "Where the keys come from.",
    fields,
    operations: {
      read: {
        summary: "Reads the configuration; the client secret is not shown.",
        handler: async (call) => {
          const config = await readConfig(call);
          if (config === undefined) throw notFound();
          return { data: shown(config) };
        },
      },
      update: {
        summary: "Sets the configuration.",
        handler: async (call, given) => {
          const config = await configOf(given, keySets);
          call.storage.put(key, utf8(JSON.stringify(config)));
        },
      },
    },
  });
}
