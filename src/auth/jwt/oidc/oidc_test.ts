/** Only who was let in by the provider, for this client, in this very login, gets a token. */
import { assert, assertEquals } from "@std/assert";
import { UnsecuredJWT } from "jose";
import { toBase64Url, utf8 } from "../../../base/bytes.ts";
import { Failure } from "../../../base/failure.ts";
import { portableProvider } from "../../../crypto/portable.ts";
import { InmemStorage } from "../../../storage/inmem.ts";
import { keysBelow, loginNode } from "../../common/testing.ts";
import {
  begin,
  clientId,
  end,
  foreignKeys,
  issuer,
  oidcNode,
  redirect,
  secret,
  type Twist,
  whole,
} from "./testing.ts";

async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Failure) return error.errors.join(" ");
    throw error;
  }
  throw new Error("it was not refused");
}

Deno.test("a login by browser gets the token of its role", async () => {
  const { kit, provider } = await oidcNode({ token_policies: "p1", oidc_scopes: "email" });
  const url = new URL(String((await begin(kit)).auth_url));
  const query = Object.fromEntries(url.searchParams);
  assertEquals(url.origin + url.pathname, `${issuer}/auth`);
  assertEquals([query.client_id, query.scope, query.response_type], [
    clientId,
    "openid email",
    "code",
  ]);
  assertEquals([query.code_challenge_method, query.redirect_uri], ["S256", redirect]);
  const { auth } = await kit.ask("read", "auth/oidc/oidc/callback", {
    token: "",
    data: provider.logIn(url.href),
  });
  assertEquals([auth?.displayName, auth?.tokenPolicies], ["ann", ["default", "p1"]]);
  const [token, userinfo] = provider.requests;
  assertEquals(token?.headers.authorization?.startsWith("Basic "), true);
  assert(!token?.body.includes("secret"), "the secret is in the header alone");
  assertEquals(userinfo?.headers.authorization, "Bearer at");
});

Deno.test("each login has a state, a nonce and a challenge of its own", async () => {
  const { kit } = await oidcNode();
  const seen = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const query = new URL(String((await begin(kit)).auth_url)).searchParams;
    for (const name of ["state", "nonce", "code_challenge"]) seen.add(query.get(name) ?? "");
  }
  assertEquals(seen.size, 60);
  // Who only begins leaves nothing behind.
  const [key = ""] = (await keysBelow(kit, "auth/")).filter((one) => one.includes("oidc/"));
  assert(key.endsWith("oidc/key"));
});

Deno.test("a state is used once, and by nobody else", async () => {
  const { kit, provider } = await oidcNode();
  const url = String((await begin(kit, { client_nonce: "mine" })).auth_url);
  for (const client_nonce of ["other", "", "min", "minee"]) {
    assertEquals(await end(kit, { ...provider.logIn(url), client_nonce }), 400);
  }
  assertEquals(await end(kit, { ...provider.logIn(url), client_nonce: "mine" }), 200);
  assertEquals(await end(kit, { ...provider.logIn(url), client_nonce: "mine" }), 400);
});

Deno.test("of many that come back with one state at the same time, one gets in", async () => {
  const { kit, provider } = await oidcNode();
  const url = String((await begin(kit)).auth_url);
  const statuses = await Promise.all(
    Array.from({ length: 10 }, () => end(kit, provider.logIn(url))),
  );
  assertEquals(statuses.filter((status) => status === 200).length, 1, String(statuses));
});

Deno.test("a login that runs again for the storage's sake exchanges its code once", async () => {
  const world = await oidcNode({ groups_claim: "groups" });
  world.provider.twist = { claims: { groups: ["a"] } };
  const many = Array.from({ length: 20 }, () => whole(world));
  assertEquals((await Promise.all(many)).filter((status) => status === 200).length, 20);
  assertEquals(world.provider.requests.length, 40, "a code and the userinfo for each");
});

Deno.test("a state ends after ten minutes", async () => {
  const { kit, provider } = await oidcNode();
  const url = String((await begin(kit)).auth_url);
  await kit.clock.advance(10 * 60_000 - 1);
  const late = String((await begin(kit)).auth_url);
  assertEquals(await end(kit, provider.logIn(url)), 200);
  await kit.clock.advance(10 * 60_000);
  assertEquals(await end(kit, provider.logIn(late)), 400);
});

Deno.test("what is kept of logins goes once their states have ended", async () => {
  const world = await oidcNode();
  const kept = async () =>
    (await keysBelow(world.kit, "auth/")).filter((key) => key.includes("oidc/logins/")).length;
  for (let i = 0; i < 5; i++) assertEquals(await whole(world), 200);
  assertEquals(await kept(), 5);
  await world.kit.clock.advance(11 * 60_000);
  assertEquals(await whole(world), 200);
  assertEquals(await kept(), 1);
});

Deno.test("no state can be made up or changed", async () => {
  const { kit, provider } = await oidcNode();
  const { state, code } = provider.logIn(String((await begin(kit)).auth_url));
  for (let i = 0; i < state.length; i += 3) {
    const other = state[i] === "A" ? "B" : "A";
    const changed = state.slice(0, i) + other + state.slice(i + 1);
    assertEquals(await end(kit, { state: changed, code }), 400, `${i}`);
  }
  for (const made of ["", "st_", "st_AAAA", `${state}A`, state.slice(0, -1), "x".repeat(20_000)]) {
    assertEquals(await end(kit, { state: made, code }), 400);
  }
  assertEquals(
    await end(kit, { state: `${state},ns=team`, code }),
    200,
    "the namespace is not of it",
  );
});

Deno.test("another mount's state is none, nor one of before a change of the provider", async () => {
  const { kit, provider } = await oidcNode();
  const config = {
    oidc_discovery_url: issuer,
    oidc_client_id: clientId,
    oidc_client_secret: secret,
  };
  await kit.ask("update", "sys/auth/two", { data: { type: "oidc" } });
  await kit.ask("update", "auth/two/config", { data: config });
  await kit.ask("update", "auth/two/role/r", {
    data: { user_claim: "sub", allowed_redirect_uris: redirect },
  });
  const url = String((await begin(kit)).auth_url);
  const there = { token: "", data: provider.logIn(url) };
  assertEquals(await kit.status("read", "auth/two/oidc/callback", there), 400);
  await kit.ask("update", "auth/oidc/config", { data: config });
  assertEquals(await end(kit, provider.logIn(url)), 400);
});

Deno.test("a login that one node began another can end", async () => {
  const physical = new InmemStorage();
  const { kit, provider } = await oidcNode({}, {}, physical);
  const given = provider.logIn(String((await begin(kit)).auth_url));
  await kit.node.seal();
  const next = await loginNode(physical, provider.fetchDocument, provider.callProvider);
  assertEquals(await end(next, given), 200);
  assertEquals(await end(next, given), 400);
});

Deno.test("an ID token must be the provider's, for us, for now, and for this login", async () => {
  const world = await oidcNode();
  const now = Math.floor(world.kit.clock.now() / 1000);
  const hash = portableProvider().hash("sha256", utf8("at"));
  const right = toBase64Url(hash.subarray(0, 16));
  const twists: Record<string, [number, Twist]> = {
    "as it is": [200, {}],
    "another key": [400, { keys: foreignKeys }],
    "alg none": [400, { token: (claims) => new UnsecuredJWT(claims).encode() }],
    "no token": [400, { token: () => "" }],
    "junk": [400, { token: () => "a.b.c" }],
    "issuer": [400, { claims: { iss: "https://evil.test" } }],
    "issuer with a slash": [400, { claims: { iss: `${issuer}/` } }],
    "audience": [400, { claims: { aud: "another" } }],
    "no audience": [400, { claims: { aud: [] } }],
    "audiences": [200, { claims: { aud: ["x", clientId], azp: clientId } }],
    "audiences without azp": [400, { claims: { aud: ["x", clientId] } }],
    "azp": [400, { claims: { azp: "another" } }],
    "nonce": [400, { claims: { nonce: "another" } }],
    "no nonce": [400, { claims: { nonce: undefined } }],
    "ended": [400, { claims: { exp: now } }],
    "the last second": [200, { claims: { exp: now + 1 } }],
    "no end": [400, { claims: { exp: undefined } }],
    "no time of issue": [400, { claims: { iat: undefined } }],
    "from the future": [400, { claims: { iat: now + 90 } }],
    "not yet": [400, { claims: { nbf: now + 90 } }],
    "a clock that is ahead": [200, { claims: { iat: now + 30 } }],
    "no subject": [400, { claims: { sub: "" } }],
    "at_hash": [200, { claims: { at_hash: right } }],
    "another at_hash": [400, { claims: { at_hash: toBase64Url(hash.subarray(16)) } }],
  };
  for (const [what, [status, twist]] of Object.entries(twists)) {
    world.provider.twist = twist;
    assertEquals(await whole(world), status, what);
  }
});

Deno.test("max_age asks when the user logged in", async () => {
  const world = await oidcNode({ max_age: 600 });
  const url = new URL(String((await begin(world.kit)).auth_url));
  assertEquals(url.searchParams.get("max_age"), "600");
  const now = Math.floor(world.kit.clock.now() / 1000);
  for (const [auth_time, status] of [[now - 600, 200], [now - 700, 400], [undefined, 400]]) {
    world.provider.twist = { claims: { auth_time } };
    assertEquals(await whole(world), status, String(auth_time));
  }
});

Deno.test("the role's bounds hold, with what the userinfo endpoint adds", async () => {
  const world = await oidcNode({
    bound_claims: { team: "red" },
    bound_audiences: [clientId, "other"],
    claim_mappings: { email: "mail" },
    bound_subject: "ann",
  });
  const cases: [number, Twist][] = [
    [200, { userinfo: { sub: "ann", team: "red", email: "a@b" } }],
    [400, { userinfo: { sub: "ann", team: "blue" } }],
    // Of somebody else, and unsigned against signed.
    [400, { userinfo: { sub: "bob", team: "red" } }],
    [400, { claims: { team: "blue" }, userinfo: { sub: "ann", team: "red" } }],
    [400, { claims: { sub: "bob" }, userinfo: { sub: "bob", team: "red" } }],
    [200, { claims: { team: "red" }, userinfo: { sub: "eve" } }],
  ];
  for (const [status, twist] of cases) {
    world.provider.twist = twist;
    assertEquals(await whole(world), status, JSON.stringify(twist));
  }
  const elsewhere = await oidcNode({ token_bound_cidrs: "10.0.0.0/8" });
  assertEquals(await whole(elsewhere), 403);
  assertEquals(elsewhere.provider.requests, [], "nobody was asked");
});

Deno.test("what goes wrong is said in a sentence, without a secret", async () => {
  const world = await oidcNode();
  const { kit, provider } = world;
  const come = async (data = {}) =>
    await refusalOf(kit.ask("read", "auth/oidc/oidc/callback", {
      token: "",
      data: { ...provider.logIn(String((await begin(kit)).auth_url)), ...data },
    }));
  assertEquals(await come({ state: "x" }), "Login failed. Expired or missing OAuth state.");
  assertEquals(await come({ code: "" }), "Login failed. No code or id_token received.");
  assertEquals(
    await come({ code: "stolen" }),
    "Login failed. The provider refused to exchange the code: invalid_grant.",
  );
  assertEquals(
    await come({ error: "access_denied" }),
    "Login failed. The provider said access_denied.",
  );
  provider.twist = { tokenAnswer: { status: 502, text: "<html>" } };
  assertEquals(
    await come(),
    "Login failed. The provider refused to exchange the code: status 502.",
  );
  provider.twist = { tokenAnswer: { status: 200, text: "[]" } };
  assertEquals(await come(), "Login failed. The provider's answer is no JSON object.");
  const begun = provider.logIn(String((await begin(kit)).auth_url));
  provider.twist = {};
  provider.isDown = true;
  assertEquals(
    await refusalOf(kit.ask("read", "auth/oidc/oidc/callback", { token: "", data: begun })),
    "No response from provider.",
  );
  await kit.clock.advance(11 * 60_000);
  const asked = { token: "", data: { role: "r", redirect_uri: redirect } };
  assertEquals(
    await refusalOf(kit.ask("update", "auth/oidc/oidc/auth_url", asked)),
    "No response from provider. Its discovery document can't be read.",
  );
});

Deno.test("a login comes back only to where its role allows", async () => {
  const { kit } = await oidcNode({
    allowed_redirect_uris: [redirect, "https://vault.test/ui/vault/auth/oidc/oidc/callback"],
  });
  const allowed = [
    redirect,
    "http://localhost:1234/oidc/callback",
    "http://localhost/oidc/callback",
    "https://vault.test/ui/vault/auth/oidc/oidc/callback",
    "https://vault.test/ui/vault/auth/oidc/oidc/callback?namespace=team",
  ];
  const refused = [
    "https://localhost:8250/oidc/callback",
    "http://127.0.0.1:8250/oidc/callback",
    "http://localhost:8250/oidc/callback/",
    "http://localhost:8250/other",
    "http://localhost:8250/oidc/callback?x=1",
    "http://localhost:8250@evil.test/oidc/callback",
    "http://localhost.evil.test/oidc/callback",
    "http://localhost:/oidc/callback",
    "https://vault.test:444/ui/vault/auth/oidc/oidc/callback",
    "https://VAULT.test/ui/vault/auth/oidc/oidc/callback",
    "https://vault.test/ui/vault/auth/oidc/oidc/callback#x",
    "https://evil.test/",
    "junk",
  ];
  const asked = async (redirect_uri: string) =>
    (await begin(kit, { redirect_uri })).auth_url !== "";
  for (const address of allowed) assertEquals(await asked(address), true, address);
  for (const address of refused) assertEquals(await asked(address), false, address);
  const url = String(
    (await begin(kit, {
      redirect_uri: "https://vault.test/ui/vault/auth/oidc/oidc/callback?namespace=team",
    })).auth_url,
  );
  const query = new URL(url).searchParams;
  assertEquals(query.get("state")?.endsWith(",ns=team"), true);
  assertEquals(query.get("redirect_uri")?.includes("namespace"), false);
});

Deno.test("a login that comes to the node is confirmed, and fetched by who began it", async () => {
  const { kit, provider } = await oidcNode({ callback_mode: "direct" });
  assertEquals(
    await refusalOf(begin(kit)),
    "missing client_nonce",
    "anybody could fetch it otherwise",
  );
  const begun = await begin(kit, { client_nonce: "mine" });
  const { state, poll_interval } = begun;
  assertEquals(poll_interval, "5");
  const poll = (client_nonce: string) =>
    kit.ask("update", "auth/oidc/oidc/poll", { token: "", data: { state, client_nonce } });
  assertEquals(await refusalOf(poll("mine")), "authorization_pending");
  const given = provider.logIn(String(begun.auth_url));
  const visit = async (data = {}) =>
    (await kit.ask("read", "auth/oidc/oidc/callback", { token: "", data: { ...given, ...data } }))
      .raw;
  const asked = await visit();
  assert(String(asked?.body).includes("Is this your login?"));
  assertEquals(asked?.headers?.["x-frame-options"], "DENY");
  assertEquals(provider.requests, [], "the provider was not asked yet");
  assertEquals(await refusalOf(poll("mine")), "authorization_pending");
  const through = await visit({ confirmation: "yes" });
  assertEquals([through?.status, String(through?.body).includes("hvs.")], [200, false]);
  assertEquals(await refusalOf(poll("other")), "invalid client_nonce");
  assertEquals((await poll("mine")).auth?.displayName, "ann");
  assertEquals(await refusalOf(poll("mine")), "Login failed. Expired or missing OAuth state.");
  assertEquals((await visit({ confirmation: "yes" }))?.status, 400);
});

Deno.test("nothing that a browser brings gets into a page as it is", async () => {
  const { kit } = await oidcNode({ callback_mode: "direct" });
  const { state } = await begin(kit, { client_nonce: "mine" });
  const { raw } = await kit.ask("read", "auth/oidc/oidc/callback", {
    token: "",
    data: { state, code: '"><script>alert(1)</script>' },
  });
  assert(!String(raw?.body).includes("<script"));
  assert(raw?.headers?.["content-security-policy"]?.includes("default-src 'none'"));
});

Deno.test("a device logs in without being called back", async () => {
  const { kit, provider } = await oidcNode({ callback_mode: "device", allowed_redirect_uris: "" });
  const begun = await begin(kit, { client_nonce: "mine", redirect_uri: "" });
  assertEquals([begun.auth_url, begun.user_code], [`${issuer}/d`, "UC"]);
  assert(!JSON.stringify(begun).includes("dc"), "the device's code stays here");
  const poll = () =>
    kit.ask("update", "auth/oidc/oidc/poll", {
      token: "",
      data: { state: begun.state, client_nonce: "mine" },
    });
  for (const error of ["authorization_pending", "slow_down"]) {
    provider.twist = { tokenAnswer: { status: 400, text: JSON.stringify({ error }) } };
    assertEquals(await refusalOf(poll()), error);
  }
  provider.twist = { keys: foreignKeys };
  assert((await refusalOf(poll())).includes("signature"));
  provider.twist = {};
  assertEquals((await poll()).auth?.displayName, "ann");
  assertEquals(await refusalOf(poll()), "Login failed. Expired or missing OAuth state.");
  assertEquals(await end(kit, { state: String(begun.state), code: "c" }), 400);
});

Deno.test("an ID token that was posted is good or forgotten", async () => {
  const world = await oidcNode({}, {
    oidc_response_mode: "form_post",
    oidc_response_types: "id_token",
  });
  const { kit, provider } = world;
  const query = new URL(String((await begin(kit)).auth_url)).searchParams;
  const [state, nonce] = [query.get("state") ?? "", query.get("nonce") ?? ""];
  assertEquals([query.get("response_type"), query.get("response_mode")], ["id_token", "form_post"]);
  const post = async (id_token: string) =>
    (await kit.ask("update", "auth/oidc/oidc/callback", { token: "", data: { state, id_token } }))
      .raw?.status;
  assertEquals(await post(await provider.idToken({ nonce: "another" })), 400);
  assertEquals(await end(kit, { state, code: "no_code" }), 400);
  assertEquals(await post(await provider.idToken({ nonce })), 200);
  assertEquals(await end(kit, { state, code: "no_code" }), 200);
  assertEquals(await post(await provider.idToken({ nonce })), 400);
  const byQuery = await oidcNode();
  assertEquals(
    await byQuery.kit.status("update", "auth/oidc/oidc/callback", { token: "", data: { state } }),
    405,
  );
  const { state: other } = byQuery.provider.logIn(String((await begin(byQuery.kit)).auth_url));
  const idToken = await byQuery.provider.idToken({ nonce });
  assertEquals(await end(byQuery.kit, { state: other, id_token: idToken }), 400, "not asked for");
});

Deno.test("the secret is shown nowhere, and the provider's tokens only where that is asked", async () => {
  const { kit, provider } = await oidcNode({ oauth2_metadata: "access_token" });
  const config = await kit.ask("read", "auth/oidc/config");
  assert(!JSON.stringify(config).includes(secret));
  const { auth } = await kit.ask("read", "auth/oidc/oidc/callback", {
    token: "",
    data: provider.logIn(String((await begin(kit)).auth_url)),
  });
  assertEquals(auth?.metadata, { role: "r", oauth2_access_token: "at" });
  assertEquals(auth?.alias?.metadata, { role: "r" });
  const basic = provider.requests[0]?.headers.authorization?.slice("Basic ".length) ?? "";
  assertEquals(atob(basic), `${clientId}:a+secret+of+the+client%27s`);
});

Deno.test("a provider that takes its secret in the body only gets it there", async () => {
  const world = await oidcNode();
  world.provider.metadata = { token_endpoint_auth_methods_supported: ["client_secret_post"] };
  await world.kit.clock.advance(11 * 60_000);
  assertEquals(await whole(world), 200);
  const request = world.provider.requests[0];
  const inBody = new URLSearchParams(request?.body).get("client_secret");
  assertEquals([request?.headers.authorization, inBody], [
    undefined,
    secret,
  ]);
  world.provider.metadata = { token_endpoint_auth_methods_supported: ["private_key_jwt"] };
  await world.kit.clock.advance(11 * 60_000);
  assertEquals(await whole(world), 400);
  // What came by TLS is not to go without it.
  world.provider.metadata = { token_endpoint: "http://idp.test/token" };
  await world.kit.clock.advance(11 * 60_000);
  const before = world.provider.requests.length;
  assertEquals(await whole(world), 400);
  assertEquals(world.provider.requests.length, before);
});

Deno.test("a quota can be for one role, at each step of its logins", async () => {
  const { kit, provider } = await oidcNode();
  await kit.ask("update", "auth/oidc/role/other", {
    data: { user_claim: "sub", allowed_redirect_uris: redirect },
  });
  const given = provider.logIn(String((await begin(kit)).auth_url));
  await kit.ask("update", "sys/quotas/rate-limit/q", {
    data: { path: "auth/oidc/", role: "r", rate: 1, interval: "1h" },
  });
  assertEquals(await end(kit, given), 200);
  const asked = { token: "", data: { role: "R", redirect_uri: redirect } };
  assertEquals(await kit.status("update", "auth/oidc/oidc/auth_url", asked), 429);
  assert((await begin(kit, { role: "other" })).auth_url !== "");
});
