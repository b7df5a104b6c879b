/** What a peer holds before it is moved in, and how both are asked for it. */
import { assertEquals } from "@std/assert";
import { at, type TestNode } from "../e2e/node.ts";
import type { Peer } from "../e2e/peer.ts";
import { run } from "../e2e/program.ts";

/** Of things that tests ask for later. */
export interface World {
  /** What the peer's keys made: by key, a ciphertext or a signature of `plaintext`. */
  readonly made: Readonly<Record<string, string>>;
  readonly entityId: string;
  readonly groupId: string;
  readonly roleId: string;
  readonly secretId: string;
  readonly userpassAccessor: string;
}

const textAt = (value: unknown, path: string) => String(at(value, path) ?? "");

/** Two terms of the keyring, two keys of one threshold, every kind of thing that comes over. */
export async function furnish(peer: Peer): Promise<World> {
  await secrets(peer);
  await peer.write("sys/rotate", {}, "PUT");
  await peer.write("secret/data/after-rotation", { data: { v: 1 }, options: { cas: 0 } });
  await peer.write("sys/policies/acl/dev", {
    policy: 'path "secret/data/team/*" { capabilities = ["read", "list"] }',
  });
  await peer.write("sys/policies/password/long", {
    policy: 'length = 20\nrule "charset" { charset = "abcdefghij" }',
  });
  await peer.write("auth/token/roles/ci", {
    allowed_policies: "dev",
    orphan: true,
    token_period: "24h",
    path_suffix: "ci-x",
  });
  await database(peer);
  await peer.write("sys/quotas/rate-limit/q", { rate: 1000, interval: "10s", path: "db/" });
  const ids = await logins(peer);
  const made = await transit(peer);
  return { ...ids, made, ...await identity(peer, ids.userpassAccessor) };
}

async function secrets(peer: Peer): Promise<void> {
  await peer.write("sys/mounts/old", {
    type: "kv",
    description: "the old one",
    config: { listing_visibility: "unauth", max_lease_ttl: "99h" },
  });
  await peer.write("old/app/db", { user: "a", password: "hunter-two" });
  await raw(peer, "old/numbers", '{"big":12345678901234567890,"exact":1.0,"ttl":"1h"}');
  await peer.write("sys/mounts/secret", { type: "kv", options: { version: "2" } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const put = (name: string, v: unknown) => peer.write(`secret/data/${name}`, { data: { v } });
  for (let i = 1; i <= 4; i++) await put("team/app", i);
  await peer.write("secret/delete/team/app", { versions: [2] });
  await peer.write("secret/destroy/team/app", { versions: [3] });
  await peer.write("secret/metadata/team/app", {
    max_versions: 6,
    cas_required: true,
    delete_version_after: "3h",
    custom_metadata: { owner: "ann", colour: "green" },
  });
  for (let i = 1; i <= 12; i++) await put("many", i);
  await put("big", "x".repeat(200_000));
  // More than one change of the storage takes.
  for (let i = 1; i <= 9; i++) await put("huge", String(i).repeat(1_000_000));
  await put(encodeURIComponent("Odd name, with ünïcode %2F"), { deep: [1, { er: null }] });
  await peer.write("secret/metadata/only-metadata", { custom_metadata: { only: "this" } });
  await peer.write("secret/config", { max_versions: 7, cas_required: true });
}

/** Numbers as they stand. */
async function raw(peer: Peer, path: string, body: string): Promise<void> {
  const response = await fetch(`${peer.url}/v1/${path}`, {
    method: "POST",
    headers: { "X-Vault-Token": peer.rootToken },
    body,
  });
  assertEquals(response.status, 204);
}

/** In base64. */
export const plaintext = btoa("attack at dawn");

async function transit(peer: Peer): Promise<Record<string, string>> {
  await peer.write("sys/mounts/transit", { type: "transit" });
  const made: Record<string, string> = {};
  for (const type of ["aes256-gcm96", "chacha20-poly1305", "rsa-2048"]) {
    await peer.write(`transit/keys/${type}`, { type });
    const answer = await peer.write(`transit/encrypt/${type}`, { plaintext });
    made[type] = textAt(answer, "data.ciphertext");
    // The old version is used no more for new texts, and must decrypt still.
    await peer.write(`transit/keys/${type}/rotate`, {});
  }
  for (const type of ["ed25519", "ecdsa-p256", "ecdsa-p384"]) {
    await peer.write(`transit/keys/${type}`, { type });
    const answer = await peer.write(`transit/sign/${type}`, { input: plaintext });
    made[type] = textAt(answer, "data.signature");
  }
  await peer.write("transit/keys/archived", {});
  for (let i = 0; i < 3; i++) await peer.write("transit/keys/archived/rotate", {});
  await peer.write("transit/keys/archived/config", {
    min_decryption_version: 3,
    deletion_allowed: true,
  });
  return made;
}

async function database(peer: Peer): Promise<void> {
  await peer.write("sys/mounts/db", { type: "database" });
  await peer.write("db/config/pg", {
    plugin_name: "postgresql-database-plugin",
    allowed_roles: "reader",
    connection_url: "postgresql://{{username}}:{{password}}@localhost:1/x",
    username: "root",
    password: "database-password",
    max_open_connections: "7",
    verify_connection: false,
  });
  await peer.write("db/roles/reader", {
    db_name: "pg",
    creation_statements: ["create one", "create two"],
    revocation_statements: ["drop"],
    default_ttl: "1h",
    max_ttl: "24h",
  });
}

async function logins(peer: Peer) {
  await peer.write("sys/auth/people", { type: "userpass", description: "who works here" });
  await peer.write("auth/people/users/ann", {
    password: "correct horse",
    token_policies: "dev",
    token_ttl: "1h",
  });
  await peer.write("sys/auth/approle", { type: "approle" });
  await peer.write("auth/approle/role/web", {
    token_policies: "dev",
    secret_id_num_uses: 2,
    secret_id_ttl: "10h",
  });
  const role = await peer.ask("GET", "auth/approle/role/web/role-id");
  const secret = await peer.write("auth/approle/role/web/secret-id", { metadata: '{"k":"v"}' });
  await peer.write("sys/auth/jwt", { type: "jwt" });
  await peer.write("auth/jwt/config", {
    jwt_validation_pubkeys: [await publicKey()],
    bound_issuer: "https://issuer.example",
  });
  await peer.write("auth/jwt/role/r", {
    role_type: "jwt",
    user_claim: "sub",
    bound_audiences: ["a", "b"],
    bound_claims: { team: ["x", "y"] },
    claim_mappings: { mail: "mail" },
    clock_skew_leeway: "7s",
    expiration_leeway: -1,
    token_policies: "dev",
    token_ttl: "5m",
  });
  await peer.write("sys/auth/oidc", { type: "oidc" });
  await peer.write("auth/oidc/config", {
    // Nobody answers there, as where a network is cut off.
    oidc_discovery_url: "http://127.0.0.1:1/",
    oidc_client_id: "us",
    oidc_client_secret: "secret",
    default_role: "web",
    skip_jwks_validation: true,
  });
  await peer.write("auth/oidc/role/web", {
    user_claim: "sub",
    allowed_redirect_uris: "https://vault.example/v1/auth/oidc/oidc/callback",
    oidc_scopes: "email",
    callback_mode: "direct",
    poll_interval: 7,
    max_age: "1h",
    policies: "dev",
  });
  const mounts = await peer.ask("GET", "sys/auth");
  return {
    roleId: textAt(role.json, "data.role_id"),
    secretId: textAt(secret, "data.secret_id"),
    userpassAccessor: textAt(mounts.json, "data.people/.accessor"),
  };
}

async function publicKey(): Promise<string> {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const der = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)).toBase64();
  const lines = der.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PUBLIC KEY-----", ...lines, "-----END PUBLIC KEY-----"].join("\n");
}

async function identity(peer: Peer, accessor: string) {
  const entity = await peer.write("identity/entity", {
    name: "ann",
    policies: ["dev"],
    metadata: { team: "a" },
  });
  const entityId = textAt(entity, "data.id");
  await peer.write("identity/entity-alias", {
    name: "ann",
    canonical_id: entityId,
    mount_accessor: accessor,
    custom_metadata: { q: "r" },
  });
  const group = await peer.write("identity/group", {
    name: "workers",
    policies: ["dev"],
    member_entity_ids: [entityId],
  });
  const groupId = textAt(group, "data.id");
  await peer.write("identity/group", { name: "everybody", member_group_ids: [groupId] });
  const outside = await peer.write("identity/group", { name: "outside", type: "external" });
  await peer.write("identity/group-alias", {
    name: "ldap-admins",
    mount_accessor: accessor,
    canonical_id: textAt(outside, "data.id"),
  });
  return { entityId, groupId };
}

/** What stays behind is there too, so that the report can be read. */
export async function furnishWhatStays(peer: Peer): Promise<void> {
  await peer.write("sys/mounts/totp", { type: "totp" });
  await peer.write("totp/keys/k", { generate: true, issuer: "i", account_name: "a" });
  await peer.write("cubbyhole/mine", { a: "b" });
}

/** An answer's data without what may differ: fractions of a millisecond, our own marks. */
export function comparable(value: unknown): unknown {
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) {
    return new Date(value).toISOString();
  }
  if (Array.isArray(value)) return value.map(comparable);
  if (!(value instanceof Object)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, comparable(part)]));
}

/** A report of an import, and the exit code that it came with. */
export async function importSnapshot(
  node: TestNode,
  file: string,
  keys: readonly string[],
  flags: readonly string[] = [],
) {
  const { code, stdout, text } = await run(
    node.bin,
    ["operator", "import", "-format=json", ...flags, file],
    {
      env: {
        VAULT_ADDR: node.url,
        VAULT_TOKEN: node.keys?.rootToken ?? "",
        HOME: node.folder,
      },
      stdin: keys.join("\n"),
    },
  );
  const report: unknown = stdout.startsWith("{") ? JSON.parse(stdout) : {};
  return { code, text, report };
}

/** How many items of all kinds had a status. */
export function countOf(report: unknown, status: string): number {
  const counts = at(report, "counts") ?? {};
  return Object.values(counts).reduce((sum, kind) => sum + Number(at(kind, status) ?? 0), 0);
}
