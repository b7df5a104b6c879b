/** A token does not choose its key, nor what the key is used for. */
import { assertEquals } from "@std/assert";
import { exportJWK, exportSPKI, generateKeyPair, type JWTHeaderParameters, SignJWT } from "jose";
import { toBase64Url } from "../../base/bytes.ts";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { enableAuth, loginNode } from "../common/testing.ts";

const own = await generateKeyPair("ES256", { extractable: true });
const rsa = await generateKeyPair("RS256", { extractable: true });
const foreign = await generateKeyPair("ES256", { extractable: true });
const url = "https://issuer.test/keys";

async function start(config: JsonObject, keySet: JsonObject = {}): Promise<NodeKit> {
  const kit = await loginNode(undefined, () => Promise.resolve(keySet));
  await enableAuth(kit, "jwt");
  await kit.ask("update", "auth/jwt/config", { data: config });
  await kit.ask("update", "auth/jwt/role/r", {
    data: { role_type: "jwt", user_claim: "sub", bound_audiences: "us" },
  });
  return kit;
}

function claims(kit: NodeKit) {
  const now = Math.floor(kit.clock.now() / 1000);
  return { sub: "ann", aud: "us", iat: now, exp: now + 600 };
}

function sign(
  kit: NodeKit,
  header: JWTHeaderParameters,
  key: typeof own.privateKey | Uint8Array,
): Promise<string> {
  return new SignJWT(claims(kit)).setProtectedHeader(header).sign(key);
}

function attempt(kit: NodeKit, jwt: string): Promise<number> {
  return kit.status("update", "auth/jwt/login", { token: "", data: { role: "r", jwt } });
}

const pems = async () => ({
  jwt_validation_pubkeys: [await exportSPKI(own.publicKey), await exportSPKI(rsa.publicKey)],
});

Deno.test("none in any case of letters is no algorithm", async () => {
  const kit = await start(await pems());
  const encode = (value: unknown) => toBase64Url(new TextEncoder().encode(JSON.stringify(value)));
  for (const alg of ["none", "None", "NONE", "nOnE", "", null, 0, ["none"]]) {
    for (const signature of ["", "AAAA"]) {
      const jwt = `${encode({ alg, typ: "JWT" })}.${encode(claims(kit))}.${signature}`;
      assertEquals(await attempt(kit, jwt), 400, String(alg));
    }
  }
});

Deno.test("a public key is no secret: nothing signed with it as one gets in", async () => {
  const kit = await start(await pems());
  for (const { publicKey } of [own, rsa]) {
    const pem = await exportSPKI(publicKey);
    for (const text of [pem, `${pem}\n`, pem.trim(), JSON.stringify(await exportJWK(publicKey))]) {
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const jwt = await sign(kit, { alg }, new TextEncoder().encode(text));
        assertEquals(await attempt(kit, jwt), 400, alg);
      }
    }
  }
});

Deno.test("a key, or a place to fetch one, that comes with the token is not looked at", async () => {
  const kit = await start(await pems());
  const jwk = await exportJWK(foreign.publicKey);
  const headers: JWTHeaderParameters[] = [
    { alg: "ES256", jwk },
    { alg: "ES256", jku: url },
    { alg: "ES256", x5u: url },
    { alg: "ES256", x5c: ["AAAA"] },
    { alg: "ES256", kid: "../../dev/null" },
    { alg: "ES256", kid: "" },
  ];
  for (const header of headers) {
    assertEquals(await attempt(kit, await sign(kit, header, foreign.privateKey)), 400);
  }
});

Deno.test("an algorithm that is not allowed is refused with the right key too", async () => {
  const kit = await start({ ...await pems(), jwt_supported_algs: ["RS256"] });
  assertEquals(await attempt(kit, await sign(kit, { alg: "RS256" }, rsa.privateKey)), 200);
  assertEquals(await attempt(kit, await sign(kit, { alg: "ES256" }, own.privateKey)), 400);
});

Deno.test("a key of a set signs as itself and for its own algorithm only", async () => {
  const keySet = {
    keys: [
      { ...await exportJWK(own.publicKey), kid: "a", alg: "ES256", use: "sig" },
      { ...await exportJWK(rsa.publicKey), kid: "b", alg: "RS512", use: "sig" },
      {
        kty: "oct",
        k: toBase64Url(new TextEncoder().encode("a shared secret of theirs")),
        kid: "c",
      },
    ],
  };
  const kit = await start({ jwks_url: url }, JSON.parse(JSON.stringify(keySet)));
  const shared = new TextEncoder().encode("a shared secret of theirs");
  assertEquals(
    await attempt(kit, await sign(kit, { alg: "ES256", kid: "a" }, own.privateKey)),
    200,
  );
  const bad = [
    await sign(kit, { alg: "ES256", kid: "b" }, own.privateKey),
    await sign(kit, { alg: "ES256", kid: "z" }, foreign.privateKey),
    await sign(kit, { alg: "ES256", kid: "a" }, foreign.privateKey),
    await sign(kit, { alg: "RS256", kid: "b" }, rsa.privateKey),
    await sign(kit, { alg: "HS256", kid: "c" }, shared),
  ];
  for (const [i, jwt] of bad.entries()) assertEquals(await attempt(kit, jwt), 400, `${i}`);
});

Deno.test("a header that must be understood and is not makes a token void", async () => {
  const kit = await start(await pems());
  const header = { alg: "ES256", crit: ["exp-2"], "exp-2": 1 };
  const signer = new SignJWT(claims(kit)).setProtectedHeader(header);
  const jwt = await signer.sign(own.privateKey, { crit: { "exp-2": true } });
  assertEquals(await attempt(kit, jwt), 400);
});
