/** Identity tokens say what is true, verify as long as they live, and our own jwt takes them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { enableAuth, loginNode } from "../../../auth/common/testing.ts";
import { Failure } from "../../../base/failure.ts";
import type { NodeKit } from "../../../core/testing/kit.ts";
import { type JsonValue, parseJson } from "../../../logical/json.ts";
import { checkTemplate, fillTemplate, readTemplate } from "./template.ts";

const policy = 'path "identity/oidc/*" { capabilities = ["read", "update"] }';
const role = {
  key: "k",
  ttl: "10m",
  client_id: "cid",
  template: '{"who": {{identity.entity.name}}}',
};

interface World {
  readonly kit: NodeKit;
  readonly token: string;
  readonly entityId: string;
}

/** Reads documents from the node itself, as a client at its address would. */
function ownDocuments(kit: () => NodeKit) {
  return async (url: string): Promise<JsonValue> => {
    const path = url.replace("http://127.0.0.1:8200/v1/", "");
    return await read(kit(), path);
  };
}

async function read(kit: NodeKit, path: string): Promise<JsonValue> {
  const { raw } = await kit.ask("read", path, { token: "" });
  return parseJson(String(raw?.body));
}

async function start(): Promise<World> {
  const holder: { kit?: NodeKit } = {};
  const kit = await loginNode(undefined, ownDocuments(() => holder.kit ?? kit));
  holder.kit = kit;
  await enableAuth(kit, "userpass");
  await kit.ask("update", "sys/policies/acl/tokens", { data: { policy } });
  await kit.ask("update", "auth/userpass/users/ann", {
    data: { password: "x", token_policies: "tokens" },
  });
  const login = { token: "", data: { password: "x" } };
  const { auth } = await kit.ask("update", "auth/userpass/login/ann", login);
  await kit.ask("update", "identity/oidc/key/k", {
    data: {
      algorithm: "ES256",
      allowed_client_ids: "*",
      rotation_period: "1h",
      verification_ttl: "2h",
    },
  });
  await kit.ask("update", "identity/oidc/role/r", { data: role });
  return { kit, token: auth?.clientToken ?? "", entityId: auth?.entityId ?? "" };
}

async function sign({ kit, token }: World): Promise<string> {
  return String((await kit.ask("read", "identity/oidc/token/r", { token })).data?.token);
}

async function isActive({ kit, token }: World, signed: string, clientId = ""): Promise<boolean> {
  const data = { token: signed, client_id: clientId };
  const { raw } = await kit.ask("update", "identity/oidc/introspect", { token, data });
  return JSON.parse(String(raw?.body)).active;
}

Deno.test("a token says who the caller is, and is good until it ends", async () => {
  const world = await start();
  await world.kit.ask("update", `identity/entity/id/${world.entityId}`, { data: { name: "Ann" } });
  const signed = await sign(world);
  const claims = decodeJwt(signed);
  assertEquals([claims.sub, claims.aud, claims.who], [world.entityId, "cid", "Ann"]);
  assert(await isActive(world, signed));
  assert(await isActive(world, signed, "cid"));
  assert(!await isActive(world, signed, "other"));
  assert(!await isActive(world, `${signed.slice(0, -8)}AAAAAAAA`));
  await world.kit.clock.advance(600_000);
  assert(!await isActive(world, signed));
});

Deno.test("a disabled entity's identity tokens are good no more", async () => {
  const world = await start();
  const signed = await sign(world);
  await world.kit.ask("update", `identity/entity/id/${world.entityId}`, {
    data: { disabled: true },
  });
  const asRoot = { ...world, token: world.kit.root };
  assert(!await isActive(asRoot, signed));
});

Deno.test("a key turns by time and by order; former ones verify a while, then are gone", async () => {
  const world = await start();
  const kids = new Set<string | undefined>();
  const published = async () => {
    const document = JSON.stringify(await read(world.kit, "identity/oidc/.well-known/keys"));
    return [...kids].filter((kid) => document.includes(kid ?? "?")).length;
  };
  const first = await sign(world);
  kids.add(decodeProtectedHeader(first).kid);
  await world.kit.ask("update", "identity/oidc/key/k/rotate");
  kids.add(decodeProtectedHeader(await sign(world)).kid);
  assertEquals(kids.size, 2);
  assert(await isActive(world, first));
  await world.kit.clock.advance(3600_000);
  kids.add(decodeProtectedHeader(await sign(world)).kid);
  assertEquals([kids.size, await published()], [3, 3]);
  await world.kit.clock.advance(2 * 3600_000);
  kids.add(decodeProtectedHeader(await sign(world)).kid);
  assertEquals([kids.size, await published()], [4, 2], "the signer and the one before");
});

Deno.test("nobody's request for the public keys makes one", async () => {
  const kit = await loginNode();
  const keys = "identity/oidc/.well-known/keys";
  assertEquals(await read(kit, keys), { keys: [] });
  await kit.ask("update", "identity/oidc/role/r", { data: { key: "default" } });
  const { keys: made } = JSON.parse(JSON.stringify(await read(kit, keys)));
  assertEquals(made.length, 1);
});

Deno.test("the jwt auth method takes our identity tokens, by discovery", async () => {
  const world = await start();
  const { kit } = world;
  await enableAuth(kit, "jwt");
  await kit.ask("update", "auth/jwt/config", {
    data: { oidc_discovery_url: "http://127.0.0.1:8200/v1/identity/oidc" },
  });
  await kit.ask("update", "auth/jwt/role/r", {
    data: { role_type: "jwt", user_claim: "sub", bound_audiences: "cid" },
  });
  const login = (jwt: string) =>
    kit.status("update", "auth/jwt/login", { token: "", data: { role: "r", jwt } });
  assertEquals(await login(await sign(world)), 200);
  await kit.ask("update", "identity/oidc/key/k/rotate");
  assertEquals(await login(await sign(world)), 200, "a new key is found");
  await kit.ask("update", "identity/oidc/role/r", { data: { client_id: "someone else" } });
  assertEquals(await login(await sign(world)), 400);
});

Deno.test("templates can't break out of their JSON, nor set what is the server's", () => {
  const entity = {
    id: "1",
    name: '", "sub": "root',
    metadata: { "a.b": "x\n}" },
    policies: [],
    disabled: false,
    creationTime: 0,
    lastUpdateTime: 0,
    mergedEntityIds: [],
    aliases: [],
    namespaceId: "root",
  };
  const view = { entity, directGroups: [], groups: [], policies: [] };
  const template = '{"n": {{identity.entity.name}}, "m": {{ identity.entity.metadata.a.b }}}';
  assertEquals(fillTemplate(template, view, 0), { n: entity.name, m: "x\n}" });
  assertEquals(readTemplate(btoa(template)), template);
  for (const bad of ["[1]", "{", '{"sub": "x"}', '{"a": {{nope}}}', '{"a": {{time.now.plus.x}}}']) {
    assertThrows(() => checkTemplate(bad), Failure);
  }
});
