/** A login by browser that begins at one node ends at another, whoever is active meanwhile. */
import { assert, assertEquals } from "@std/assert";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { activeOf, call, makeCluster, settled, voters } from "./process_kit.ts";

const redirect = "http://localhost:8250/oidc/callback";

/** Lets ann in for any code. `nonce` is that of the login under way. */
async function smallProvider() {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const keys = [{ ...await exportJWK(publicKey), kid: "k", alg: "RS256", use: "sig" }];
  const login = { nonce: "" };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const issuer = new URL(request.url).origin;
    switch (new URL(request.url).pathname) {
      case "/keys":
        return Response.json({ keys });
      case "/token": {
        const claims = { iss: issuer, sub: "ann", aud: "us", nonce: login.nonce };
        const id_token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "k" })
          .setIssuedAt().setExpirationTime("5m").sign(privateKey);
        return Response.json({ id_token, access_token: "at", token_type: "Bearer" });
      }
      default:
        return Response.json({
          issuer,
          jwks_uri: `${issuer}/keys`,
          authorization_endpoint: `${issuer}/auth`,
          token_endpoint: `${issuer}/token`,
        });
    }
  });
  return {
    issuer: `http://127.0.0.1:${server.addr.port}`,
    login,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a login by browser survives a change of the active node", async () => {
  await using provider = await smallProvider();
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a", "b", "c"]);
  const { nodes, token } = cluster;
  const first = await settled(nodes);
  await eventually(async () => await voters(first, token) === 3);
  const write = (path: string, body: Record<string, unknown>) =>
    call(first, path, { token, body, method: "POST" });
  await eventually(async () => {
    // All nodes must have told that they know the type.
    const answer = await api(first.address, "sys/auth/oidc", {
      token,
      body: { type: "oidc" },
      method: "POST",
    });
    return answer.status === 204;
  });
  await write("auth/oidc/config", {
    oidc_discovery_url: provider.issuer,
    oidc_client_id: "us",
    oidc_client_secret: "secret",
  });
  await write("auth/oidc/role/r", { user_claim: "sub", allowed_redirect_uris: redirect });

  const standby = nodes.find((node) => node !== first);
  assert(standby !== undefined);
  const begun = await call(standby, "auth/oidc/oidc/auth_url", {
    body: { role: "r", redirect_uri: redirect },
    method: "POST",
  });
  const query = new URL(String(begun.at("data", "auth_url"))).searchParams;
  provider.login.nonce = query.get("nonce") ?? "";

  await call(first, "sys/step-down", { token, method: "POST" });
  await eventually(async () => {
    const active = await activeOf(nodes);
    return active !== undefined && active !== first;
  });
  const path = `auth/oidc/oidc/callback?state=${query.get("state")}&code=c`;
  const end = await call(first, path);
  assertEquals(end.at("auth", "metadata", "role"), "r");
  for (const node of nodes) {
    assertEquals((await api(node.address, path)).status, 400, `${node.id}: it is used up`);
  }
});
