/** What every way of logging in must refuse, whichever it is. */
import { assert, assertEquals } from "@std/assert";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { enableAuth, loginNode } from "./testing.ts";

const keys = await generateKeyPair("ES256", { extractable: true });

interface Method {
  readonly type: "userpass" | "approle" | "jwt";
  /** Where the user or role is kept. */
  readonly role: string;
  /** What it must have beside the fields of tokens. */
  readonly fields: JsonObject;
  readonly login: string;
  /** What a login says when it is right. */
  credentials(kit: NodeKit): Promise<JsonObject>;
}

const methods: readonly Method[] = [
  {
    type: "userpass",
    role: "auth/userpass/users/ann",
    fields: { password: "right" },
    login: "auth/userpass/login/ann",
    credentials: () => Promise.resolve({ password: "right" }),
  },
  {
    type: "approle",
    role: "auth/approle/role/web",
    fields: {},
    login: "auth/approle/login",
    async credentials(kit) {
      const role = await kit.ask("read", "auth/approle/role/web/role-id");
      const secret = await kit.ask("update", "auth/approle/role/web/secret-id");
      return {
        role_id: String(role.data?.role_id),
        secret_id: String(secret.data?.secret_id),
      };
    },
  },
  {
    type: "jwt",
    role: "auth/jwt/role/r",
    fields: { role_type: "jwt", user_claim: "sub", bound_audiences: "us" },
    login: "auth/jwt/login",
    async credentials(kit) {
      const now = Math.floor(kit.clock.now() / 1000);
      const claims = { sub: "ann", aud: "us", iat: now, exp: now + 86_400 };
      const jwt = new SignJWT(claims).setProtectedHeader({ alg: "ES256" });
      return { role: "r", jwt: await jwt.sign(keys.privateKey) };
    },
  },
];

const inside = "10.1.2.3";

class World {
  private constructor(
    readonly kit: NodeKit,
    readonly method: Method,
    readonly credentials: JsonObject,
  ) {}

  static async start(method: Method, fields: JsonObject = {}): Promise<World> {
    const kit = await loginNode();
    await enableAuth(kit, method.type);
    if (method.type === "jwt") {
      const jwt_validation_pubkeys = [await exportSPKI(keys.publicKey)];
      await kit.ask("update", "auth/jwt/config", { data: { jwt_validation_pubkeys } });
    }
    await kit.ask("update", method.role, { data: { ...method.fields, ...fields } });
    return new World(kit, method, await method.credentials(kit));
  }

  /** The status of a login. */
  attempt(address = inside): Promise<number> {
    const { kit, method, credentials: data } = this;
    return kit.status("update", method.login, { token: "", data, address });
  }

  async token(): Promise<string> {
    const { kit, method, credentials: data } = this;
    const { auth } = await kit.ask("update", method.login, { token: "", data, address: inside });
    return auth?.clientToken ?? "";
  }

  /** The status of a request with a token. */
  use(token: string, address = inside): Promise<number> {
    return this.kit.status("read", "auth/token/lookup-self", { token, address });
  }
}

for (const method of methods) {
  const { type } = method;

  Deno.test(`${type}: a token that has ended is refused`, async () => {
    const world = await World.start(method, { token_ttl: "1h", token_max_ttl: "2h" });
    const { kit } = world;
    const token = await world.token();
    await kit.clock.advance(3_599_000);
    assertEquals(await world.use(token), 200);
    await kit.clock.advance(1000);
    assertEquals(await world.use(token), 403, "expired");
    const renewed = await world.token();
    for (let hours = 0; hours < 3; hours++) {
      await kit.clock.advance(3_000_000);
      await kit.status("update", "auth/token/renew-self", { token: renewed });
    }
    assertEquals(await world.use(renewed), 403, "past the longest life");
    const revoked = await world.token();
    await kit.ask("update", "auth/token/revoke-self", { token: revoked });
    assertEquals(await world.use(revoked), 403, "revoked");
  });

  Deno.test(`${type}: a token of so many uses is good for no more`, async () => {
    const world = await World.start(method, { token_num_uses: 3 });
    const token = await world.token();
    const uses = await Promise.all(Array.from({ length: 20 }, () => world.use(token)));
    assertEquals(uses.filter((status) => status === 200).length, 3, "at once");
    assertEquals(await world.use(token), 403, "used up");
  });

  Deno.test(`${type}: other addresses than those bound are refused, at login and later`, async () => {
    const world = await World.start(method, { token_bound_cidrs: "10.0.0.0/8" });
    assert(await world.attempt("192.168.0.1") >= 400);
    const token = await world.token();
    assertEquals(await world.use(token), 200);
    assertEquals(await world.use(token, "192.168.0.1"), 403);
    assertEquals(await world.use(token, "::1"), 403);
  });

  Deno.test(`${type}: a disabled entity can't log in, nor use what it has`, async () => {
    const world = await World.start(method);
    const { kit } = world;
    const token = await world.token();
    const { data } = await kit.ask("read", "auth/token/lookup-self", { token });
    const disable = (disabled: boolean) =>
      kit.ask("update", `identity/entity/id/${data?.entity_id}`, { data: { disabled } });
    await disable(true);
    assertEquals([await world.attempt(), await world.use(token)], [403, 403]);
    await disable(false);
    assertEquals([await world.attempt(), await world.use(token)], [200, 200]);
  });

  Deno.test(`${type}: with its user or role go logins and renewals`, async () => {
    const world = await World.start(method, { token_ttl: "1h" });
    const { kit } = world;
    const token = await world.token();
    await kit.ask("delete", method.role);
    assertEquals(await world.attempt(), 400);
    assertEquals(await kit.status("update", "auth/token/renew-self", { token }), 400);
  });

  Deno.test(`${type}: with the method go its tokens, and a new one of that name lets nobody in`, async () => {
    const world = await World.start(method);
    const { kit } = world;
    const token = await world.token();
    await kit.ask("delete", `sys/auth/${type}`);
    assertEquals(await world.use(token), 403);
    assert(await world.attempt() >= 400);
    await enableAuth(kit, type);
    assertEquals(await world.attempt(), 400);
    assertEquals(await world.use(token), 403);
  });

  Deno.test(`${type}: credentials of the wrong kind are refused, not tripped over`, async () => {
    const world = await World.start(method);
    const { kit } = world;
    const junk: JsonObject[] = [{}];
    for (const name of Object.keys(world.credentials)) {
      for (const value of ["", "\0", "x".repeat(5000), ["a"], { a: "b" }, 5, null, true]) {
        junk.push({ ...world.credentials, [name]: value });
      }
    }
    for (const data of junk) {
      const status = await kit.status("update", method.login, { token: "", data });
      assert(status >= 400 && status < 500, `${status} for ${JSON.stringify(data).slice(0, 100)}`);
    }
  });
}
