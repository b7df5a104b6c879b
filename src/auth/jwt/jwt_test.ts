/** Only what a known key has signed, for us, now, by the role's rules, logs in. */
import { assertEquals } from "@std/assert";
import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { accessorOf, enableAuth, loginNode } from "../common/testing.ts";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

const issuer = "https://issuer.example.com";
const own = await generateKeyPair("ES256", { extractable: true });
const rsa = await generateKeyPair("RS256", { extractable: true });
const foreign = await generateKeyPair("ES256", { extractable: true });

interface World {
  readonly kit: NodeKit;
  readonly sign: (claims?: JWTPayload, keys?: Keys, alg?: string) => Promise<string>;
}

async function start(role: JsonObject = {}): Promise<World> {
  const kit = await loginNode();
  await enableAuth(kit, "jwt");
  const pems = [await exportSPKI(own.publicKey), await exportSPKI(rsa.publicKey)];
  await kit.ask("update", "auth/jwt/config", {
    data: { jwt_validation_pubkeys: pems, bound_issuer: issuer },
  });
  await kit.ask("update", "auth/jwt/role/r", {
    data: { role_type: "jwt", user_claim: "sub", bound_audiences: "us", ...role },
  });
  const sign = (claims: JWTPayload = {}, keys = own, alg = "ES256") => {
    const now = Math.floor(kit.clock.now() / 1000);
    return new SignJWT({ iss: issuer, sub: "ann", aud: "us", iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg }).sign(keys.privateKey);
  };
  return { kit, sign };
}

function attempt({ kit }: World, jwt: string): Promise<number> {
  return kit.status("update", "auth/jwt/login", { token: "", data: { role: "r", jwt } });
}

Deno.test("a token that a known key signed logs in", async () => {
  const world = await start({ token_policies: "p1" });
  assertEquals(await attempt(world, await world.sign()), 200);
  assertEquals(await attempt(world, await world.sign({}, rsa, "RS256")), 200);
  const { auth } = await world.kit.ask("update", "auth/jwt/login", {
    token: "",
    data: { role: "r", jwt: await world.sign() },
  });
  assertEquals(auth?.tokenPolicies, ["default", "p1"]);
  assertEquals(auth?.displayName, "ann");
});

Deno.test("forged, unsigned and confused tokens are refused", async () => {
  const world = await start();
  const good = await world.sign();
  const [head = "", body = "", signature = ""] = good.split(".");
  const [, otherBody = ""] = (await world.sign({ sub: "root" })).split(".");
  const secret = new TextEncoder().encode(await exportSPKI(rsa.publicKey));
  const confused = await new SignJWT({ iss: issuer, sub: "ann", aud: "us", exp: 9e9 })
    .setProtectedHeader({ alg: "HS256" }).sign(secret);
  const unsigned = new UnsecuredJWT({ iss: issuer, sub: "ann", aud: "us", exp: 9e9 }).encode();
  const bad = [
    await world.sign({}, foreign),
    confused,
    unsigned,
    `${head}.${otherBody}.${signature}`,
    `${head}.${body}.`,
    `${head}.${body}`,
    `${head}.${body}.${signature.slice(0, -4)}`,
    "...",
    "junk",
    "x".repeat(100_000),
  ];
  for (const token of bad) assertEquals(await attempt(world, token), 400, token.slice(0, 80));
});

Deno.test("every single flipped character of a signature is noticed", async () => {
  const world = await start();
  const good = await world.sign();
  const from = good.lastIndexOf(".") + 1;
  for (let i = from; i < good.length - 1; i += 5) {
    const other = good[i] === "A" ? "B" : "A";
    assertEquals(await attempt(world, good.slice(0, i) + other + good.slice(i + 1)), 400);
  }
});

Deno.test("issuer, audience and subject must be the bound ones", async () => {
  const world = await start({ bound_subject: "ann" });
  assertEquals(await attempt(world, await world.sign()), 200);
  assertEquals(await attempt(world, await world.sign({ aud: ["x", "us"] })), 200);
  for (const claims of [{ iss: "https://evil" }, { aud: "them" }, { aud: [] }, { sub: "bob" }]) {
    assertEquals(await attempt(world, await world.sign(claims)), 400, JSON.stringify(claims));
  }
});

Deno.test("times count, with the leeways of the role", async () => {
  const world = await start({ clock_skew_leeway: -1 });
  const now = ({ kit } = world) => Math.floor(kit.clock.now() / 1000);
  const token = await world.sign();
  await world.kit.clock.advance(600_000);
  assertEquals(await attempt(world, token), 200, "the last moment");
  await world.kit.clock.advance(1);
  assertEquals(await attempt(world, token), 400);
  assertEquals(await attempt(world, await world.sign({ nbf: now() + 5 })), 400);
  assertEquals(await attempt(world, await world.sign({ iat: now() + 5, nbf: now() })), 400);
  const lax = await start({ clock_skew_leeway: 60 });
  assertEquals(await attempt(lax, await lax.sign({ nbf: now(lax) + 50 })), 200);
  assertEquals(await attempt(lax, await lax.sign({ nbf: now(lax) + 70 })), 400);
});

Deno.test("bound claims match as text, as globs and by pointer", async () => {
  const world = await start({
    bound_claims_type: "glob",
    bound_claims: { ref: "refs/heads/*", "/deep/env": ["prod", "stage-?*"] },
  });
  const sign = (ref: string, env: string) => world.sign({ ref, deep: { env } });
  assertEquals(await attempt(world, await sign("refs/heads/main", "prod")), 200);
  for (const [ref, env] of [["refs/tags/v1", "prod"], ["refs/heads/a", "dev"], ["", ""]]) {
    assertEquals(await attempt(world, await sign(ref ?? "", env ?? "")), 400);
  }
  assertEquals(await attempt(world, await world.sign({ ref: "refs/heads/main" })), 400);
  // A dot in a pattern is a dot.
  const dots = await start({ bound_claims_type: "glob", bound_claims: { host: "*.example.com" } });
  assertEquals(await attempt(dots, await dots.sign({ host: "a.example.com" })), 200);
  assertEquals(await attempt(dots, await dots.sign({ host: "aXexampleXcom" })), 400);
});

Deno.test("groups of the token are groups of the entity, until a login says otherwise", async () => {
  const world = await start({ groups_claim: "groups" });
  const { kit } = world;
  const group = await kit.ask("update", "identity/group", {
    data: { name: "devs", type: "external", policies: "dev" },
  });
  await kit.ask("update", "identity/group-alias", {
    data: {
      name: "devs",
      mount_accessor: accessorOf(kit, "auth/jwt/"),
      canonical_id: String(group.data?.id),
    },
  });
  const policies = async (groups: readonly string[]) => {
    const jwt = await world.sign({ groups });
    const { auth } = await kit.ask("update", "auth/jwt/login", {
      token: "",
      data: { role: "r", jwt },
    });
    return auth?.identityPolicies;
  };
  assertEquals(await policies(["devs", "others"]), ["dev"]);
  assertEquals(await policies(["others"]), []);
});
