/** Who may log in: users, AppRoles with their secret IDs, roles of JWT, roles of tokens. */
import { createHmac } from "node:crypto";
import { fromBase64, fromUtf8 } from "../base/bytes.ts";
import type { JsonObject, JsonValue } from "../logical/json.ts";
import type { Item } from "./items.ts";
import { type ForeignMount, tokenTypes } from "./mount_table.ts";
import type { Opened } from "./opened.ts";
import { flagAt, numberAt, objectAt, secondsAt, textAt, textsAt, timeAt } from "./read_json.ts";

type Reader = (opened: Opened, mount: ForeignMount) => AsyncGenerator<Item>;

/** Auth methods whose content can be read. */
export const loginReaders: Readonly<Record<string, Reader>> = {
  userpass: userItems,
  approle: approleItems,
  jwt: jwtItems,
  oidc: jwtItems,
};

/** What tokens a role gives. Entries from long ago have them under their former names alone. */
function tokenFields(entry: JsonObject, former: Readonly<Record<string, string>> = {}) {
  const texts = (name: string) => {
    const found = textsAt(entry, `token_${name}`);
    return found.length > 0 ? found : textsAt(entry, former[name] ?? "");
  };
  const seconds = (name: string) =>
    secondsAt(entry, `token_${name}`) || secondsAt(entry, former[name] ?? "");
  return {
    token_policies: texts("policies"),
    token_bound_cidrs: texts("bound_cidrs"),
    token_ttl: seconds("ttl"),
    token_max_ttl: seconds("max_ttl"),
    token_period: seconds("period"),
    token_explicit_max_ttl: seconds("explicit_max_ttl"),
    token_num_uses: numberAt(entry, "token_num_uses") || numberAt(entry, former.num_uses ?? ""),
    token_no_default_policy: flagAt(entry, "token_no_default_policy"),
    token_strictly_bind_ip: flagAt(entry, "token_strictly_bind_ip"),
    token_type: tokenTypes[numberAt(entry, "token_type")] ?? "default",
  };
}

async function* eachBelow(
  opened: Opened,
  prefix: string,
): AsyncGenerator<{ name: string; entry: JsonObject }> {
  for (const key of opened.below(prefix)) {
    const entry = await opened.object(key);
    if (entry !== undefined) yield { name: key.slice(prefix.length), entry };
  }
}

async function* userItems(opened: Opened, { prefix, path }: ForeignMount): AsyncGenerator<Item> {
  const former = { policies: "Policies", ttl: "TTL", max_ttl: "MaxTTL" };
  for await (const { name, entry } of eachBelow(opened, `${prefix}user/`)) {
    const hash = fromBase64(textAt(entry, "PasswordHash"));
    if (hash === undefined || hash.length === 0) {
      opened.account.leave(`user ${path}users/${name}`, "it has no password hash");
      continue;
    }
    const data = { ...tokenFields(entry, former), password_hash: fromUtf8(hash) };
    yield { kind: "write", path: `${path}users/${name}`, data };
  }
}

async function* approleItems(opened: Opened, mount: ForeignMount): AsyncGenerator<Item> {
  const { prefix, path } = mount;
  const former = { policies: "policies", period: "period" };
  const roles: { name: string; hmacKey: string }[] = [];
  for await (const { name, entry } of eachBelow(opened, `${prefix}role/`)) {
    roles.push({ name, hmacKey: textAt(entry, "hmac_key") });
    const named = textsAt(entry, "secret_id_bound_cidrs");
    const ranges = named.length > 0 ? named : textsAt(entry, "bound_cidr_list_list");
    yield {
      kind: "write",
      path: `${path}role/${name}`,
      data: {
        ...tokenFields(entry, former),
        role_id: textAt(entry, "role_id"),
        bind_secret_id: flagAt(entry, "bind_secret_id"),
        // Given empty they would show as emptied, not as never set.
        ...(ranges.length > 0 ? { secret_id_bound_cidrs: ranges } : {}),
        secret_id_num_uses: numberAt(entry, "secret_id_num_uses"),
        secret_id_ttl: secondsAt(entry, "secret_id_ttl"),
        local_secret_ids: textAt(entry, "secret_id_prefix") === "secret_id_local/",
      },
    };
  }
  const byHash = new Map(roles.map((role) => [roleHash(role), role]));
  for (const folder of ["secret_id/", "secret_id_local/"]) {
    yield* secretIdItems(opened, mount, prefix + folder, byHash);
  }
  // Found again by what the secret IDs and roles themselves say.
  for (const folder of ["accessor/", "accessor_local/", "role_id/"]) {
    for (const key of opened.below(prefix + folder)) opened.account.take(key);
  }
  opened.account.take(`${prefix}salt`);
}

function roleHash({ name, hmacKey }: { name: string; hmacKey: string }): string {
  return createHmac("sha256", hmacKey).update(name).digest("hex");
}

async function* secretIdItems(
  opened: Opened,
  { path }: ForeignMount,
  folder: string,
  roles: ReadonlyMap<string, { name: string; hmacKey: string }>,
): AsyncGenerator<Item> {
  for await (const { name, entry } of eachBelow(opened, folder)) {
    const [ofRole = "", hash = ""] = name.split("/");
    const role = roles.get(ofRole);
    if (role === undefined) {
      opened.account.leave(`secret IDs of ${path}`, "their role is gone");
      continue;
    }
    yield {
      kind: "secret_id",
      path: `${path}role/${role.name}/secret-id`,
      data: {
        mount: path,
        role: role.name,
        hmac: hash,
        hmac_key: role.hmacKey,
        accessor: textAt(entry, "secret_id_accessor"),
        num_uses: numberAt(entry, "secret_id_num_uses"),
        ttl: secondsAt(entry, "secret_id_ttl"),
        created: timeAt(entry, "creation_time"),
        expires: timeAt(entry, "expiration_time"),
        updated: timeAt(entry, "last_updated_time"),
        metadata: objectAt(entry, "metadata"),
        cidr_list: textsAt(entry, "cidr_list"),
        token_bound_cidrs: textsAt(entry, "token_cidr_list"),
      },
    };
  }
}

/** Fields that are stored under the API's own names. */
function same(entry: JsonObject, names: readonly string[]): JsonObject {
  const data: JsonObject = {};
  for (const name of names) {
    const value: JsonValue | undefined = entry[name];
    if (value !== undefined && value !== null) data[name] = value;
  }
  return data;
}

const jwtConfigNames = [
  "oidc_discovery_url",
  "oidc_discovery_ca_pem",
  "oidc_client_id",
  "oidc_client_secret",
  "oidc_response_mode",
  "oidc_response_types",
  "jwks_url",
  "jwks_ca_pem",
  "jwt_validation_pubkeys",
  "jwt_supported_algs",
  "bound_issuer",
  "default_role",
  "provider_config",
  "namespace_in_state",
  "override_allowed_server_names",
];

const jwtRoleNames = [
  "role_type",
  "user_claim",
  "user_claim_json_pointer",
  "bound_audiences",
  "bound_subject",
  "bound_claims",
  "bound_claims_type",
  "claim_mappings",
  "groups_claim",
  "allowed_redirect_uris",
  "oidc_scopes",
  "verbose_oidc_logging",
  "callback_mode",
  "poll_interval",
  "oidc_disable_confirmation",
  "oauth2_metadata",
];

async function* jwtItems(opened: Opened, { prefix, path }: ForeignMount): AsyncGenerator<Item> {
  const config = await opened.object(`${prefix}config`);
  if (config !== undefined) {
    // Whoever signs need not be within reach while things are brought over.
    const data = { ...same(config, jwtConfigNames), skip_jwks_validation: true };
    yield { kind: "write", path: `${path}config`, data };
  }
  const former = {
    policies: "policies",
    ttl: "ttl",
    max_ttl: "max_ttl",
    period: "period",
    num_uses: "num_uses",
    bound_cidrs: "bound_cidrs",
  };
  for await (const { name, entry } of eachBelow(opened, `${prefix}role/`)) {
    yield {
      kind: "write",
      path: `${path}role/${name}`,
      data: {
        ...same(entry, jwtRoleNames),
        ...tokenFields(entry, former),
        clock_skew_leeway: leeway(entry, "clock_skew_leeway"),
        expiration_leeway: leeway(entry, "expiration_leeway"),
        not_before_leeway: leeway(entry, "not_before_leeway"),
        max_age: secondsAt(entry, "max_age"),
      },
    };
  }
}

/** -1 for none is stored as a duration too, of one nanosecond or of one second below zero. */
function leeway(entry: JsonObject, name: string): number {
  const value = numberAt(entry, name);
  return value < 0 ? -1 : secondsAt(entry, name);
}

/** Roles of the token method, which is on every node. */
export async function* tokenRoleItems(opened: Opened): AsyncGenerator<Item> {
  const lists = [
    "allowed_policies",
    "disallowed_policies",
    "allowed_policies_glob",
    "disallowed_policies_glob",
    "allowed_entity_aliases",
  ];
  for await (const { name, entry } of eachBelow(opened, "sys/token/roles/")) {
    const former = {
      period: "period",
      explicit_max_ttl: "explicit_max_ttl",
      bound_cidrs: "bound_cidrs",
    };
    const fields = tokenFields(entry, former);
    yield {
      kind: "write",
      path: `auth/token/roles/${name}`,
      data: {
        ...Object.fromEntries(lists.map((list) => [list, textsAt(entry, list)])),
        orphan: flagAt(entry, "orphan"),
        renewable: flagAt(entry, "renewable"),
        path_suffix: textAt(entry, "path_suffix"),
        token_period: fields.token_period,
        token_explicit_max_ttl: fields.token_explicit_max_ttl,
        token_bound_cidrs: fields.token_bound_cidrs,
        token_num_uses: fields.token_num_uses,
        token_no_default_policy: fields.token_no_default_policy,
        token_type: fields.token_type === "default" ? "default-service" : fields.token_type,
      },
    };
  }
}
