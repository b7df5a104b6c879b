/** Users of a real PostgreSQL: they can log in while their lease lasts, and not a moment longer. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import type { NodeKit } from "../../core/testing/kit.ts";
import { databaseNode } from "./testing/node.ts";
import { TestPostgres } from "./testing/postgres.ts";
import { eventually } from "./testing/process.ts";
import { leases, newUser, revoke, type User } from "./testing/users.ts";

/** Without VALID UNTIL: the node's clock stands in another year than PostgreSQL's. */
const creation = [
  'create role "{{name}}" login password \'{{password}}\'; grant select on things to "{{name}}";',
];

async function mount(kit: NodeKit, postgres: TestPostgres): Promise<void> {
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  await kit.ask("update", "database/config/pg", { data: postgres.config });
  await role(kit, "r", {});
}

async function role(kit: NodeKit, name: string, data: Record<string, string>): Promise<void> {
  await kit.ask("update", `database/roles/${name}`, {
    data: { db_name: "pg", creation_statements: creation, default_ttl: "1h", ...data },
  });
}

Deno.test("users of a real PostgreSQL", async (t) => {
  const postgres = await TestPostgres.start();
  if (postgres === undefined) return;
  const kit = await databaseNode();
  try {
    await postgres.asSuper("create table things (n int); insert into things values (42)");
    await mount(kit, postgres);
    const login = (user: User) => postgres.ask(user.name, user.password, "select n from things");
    const gone = (user: User) => eventually(async () => await postgres.users(user.name) === 0);

    await t.step(
      "both forms of a connection string open, a wrong password is told not shown",
      async () => {
        const at = `host=127.0.0.1 port=${postgres.port} dbname=postgres`;
        const pairs = `${at} user={{username}} password={{password}}`;
        const config = { ...postgres.config, connection_url: pairs };
        await kit.ask("update", "database/config/pairs", { data: config });
        await kit.ask("update", "database/reset/pairs");
        const wrong = { ...config, password: "not-the-one" };
        const ask = () => kit.ask("update", "database/config/wrong", { data: wrong });
        const error = await assertRejects(ask, Failure);
        assertEquals(error.status, 400);
        assert(!error.message.includes("not-the-one"));
        const inside = { ...config, connection_url: `${at} user=super password=superpw` };
        const { warnings } = await kit.ask("update", "database/config/inside", { data: inside });
        assertEquals(warnings?.length, 1);
        assertEquals(await kit.status("update", "database/rotate-root/inside"), 400);
        for (const name of ["pairs", "inside"]) {
          const { data } = await kit.ask("read", `database/config/${name}`);
          assert(!JSON.stringify(data).includes("superpw"), name);
        }
      },
    );

    await t.step("a login works, and is gone after the lease is revoked", async () => {
      const user = await newUser(kit);
      assertEquals(await login(user), "42");
      await revoke(kit, user);
      assertEquals(await login(user), undefined);
      assertEquals(await postgres.users(user.name), 0);
    });

    await t.step("a session that is open ends with the lease", async () => {
      const user = await newUser(kit);
      const session = postgres.ask(user.name, user.password, "select pg_sleep(30)");
      const active = `select count(*) from pg_stat_activity where usename = '${user.name}'`;
      assert(await eventually(async () => await postgres.asSuper(active) === "1"));
      await revoke(kit, user);
      assertEquals(await session, undefined);
    });

    await t.step("it is gone when its time is over, and lives on when renewed", async () => {
      const [short, renewed] = [await newUser(kit), await newUser(kit)];
      await kit.clock.advance(1_800_000);
      const data = { lease_id: renewed.lease, increment: 7200 };
      await kit.ask("update", "sys/leases/renew", { data });
      const until = Date.UTC(2026, 0, 1, 2, 30, 5) / 1000;
      const moved = "select extract(epoch from rolvaliduntil)::bigint from pg_roles where rolname";
      assertEquals(await postgres.asSuper(`${moved} = '${renewed.name}'`), String(until));
      await kit.clock.advance(1_801_000);
      assert(await gone(short));
      assertEquals(await postgres.users(renewed.name), 1);
      await kit.clock.advance(7_200_000);
      assert(await gone(renewed));
    });

    await t.step("it is gone with the token that asked for it", async () => {
      const token = await kit.token({ policies: ["root"] });
      const user = await newUser(kit, "r", token);
      await kit.ask("update", "auth/token/revoke", { data: { token } });
      await kit.clock.advance(1000);
      assert(await gone(user));
    });

    await t.step("a lease ends well after its role was deleted", async () => {
      const end = `alter role "{{name}}" nologin`;
      await role(kit, "kept", { revocation_statements: end });
      const [user, kept] = [await newUser(kit), await newUser(kit, "kept")];
      await kit.ask("delete", "database/roles/r");
      await kit.ask("delete", "database/roles/kept");
      for (const one of [user, kept]) await revoke(kit, one);
      assertEquals(await postgres.users(user.name), 0);
      assertEquals(await postgres.users(kept.name), 1);
      assertEquals(await login(kept), undefined);
      await role(kit, "r", {});
    });

    await t.step("a creation that fails leaves neither lease nor user", async () => {
      const statements = `create role "{{name}}" login; select 'x' nonsense y z`;
      await role(kit, "broken", { creation_statements: statements });
      const before = await postgres.asSuper("select count(*) from pg_roles");
      const ask = () => kit.ask("read", "database/creds/broken");
      const error = await assertRejects(ask, Failure);
      assertEquals(error.status, 500);
      assertEquals(await postgres.asSuper("select count(*) from pg_roles"), before);
      assertEquals(await leases(kit, "broken"), []);
    });

    await t.step(
      "a static role's password is ours from the start and changes when asked",
      async () => {
        await postgres.asSuper("create role app login password 'first'");
        const data = { db_name: "pg", username: "app", rotation_period: "1h" };
        await kit.ask("update", "database/static-roles/app", { data });
        const read = async () =>
          String((await kit.ask("read", "database/static-creds/app")).data?.password);
        const first = await read();
        await kit.ask("update", "database/rotate-role/app");
        const second = await read();
        const works = async (password: string) =>
          await postgres.ask("app", password, "select 1") === "1";
        const all = [await works("first"), await works(first), await works(second)];
        assertEquals(all, [false, false, true]);
        await kit.clock.advance(3_601_000);
        assert(await eventually(async () => await read() !== second), "rotated by itself");
        assert(await works(await read()));
        assertEquals(await works(second), false);
        const absent = { data: { ...data, username: "absent" } };
        assertEquals(await kit.status("update", "database/static-roles/none", absent), 500);
        assertEquals(await kit.status("read", "database/static-roles/none"), 404);
      },
    );

    await t.step("passwords that several rotate at once work, and each is told so", async () => {
      await postgres.asSuper("create role owner superuser login password 'owner'");
      const config = { ...postgres.config, username: "owner", password: "owner" };
      await kit.ask("update", "database/config/own", { data: config });
      const data = { db_name: "own", username: "app2", rotation_period: "1h" };
      await postgres.asSuper("create role app2 login password 'first'");
      await kit.ask("update", "database/static-roles/app2", { data });
      for (let round = 0; round < 5; round++) {
        const paths = ["rotate-role/app2", "rotate-root/own", "rotate-role/app2"];
        const all = [...paths, ...paths].map((path) => kit.status("update", `database/${path}`));
        assertEquals(await Promise.all(all), [200, 200, 200, 200, 200, 200]);
        const password = (await kit.ask("read", "database/static-creds/app2")).data?.password;
        assertEquals(await postgres.ask("app2", String(password), "select 1"), "1");
      }
      assertEquals(await postgres.ask("owner", "owner", "select 1"), undefined);
      await kit.ask("update", "database/reset/own");
      await role(kit, "own", { db_name: "own" });
      assertEquals(await login(await newUser(kit, "own")), "42", "what is kept logs in");
    });

    await t.step("after root was rotated, its old password is void and ours works", async () => {
      await kit.ask("update", "database/rotate-root/pg");
      assertEquals(await postgres.asSuper("select 1"), undefined);
      const user = await newUser(kit);
      assertEquals(await login(user), "42");
      const { data } = await kit.ask("read", "database/config/pg");
      assert(!JSON.stringify(data).includes('password":'));
    });

    await t.step("after a restart leases still end and passwords still change", async () => {
      const user = await newUser(kit);
      const before = (await kit.ask("read", "database/static-creds/app")).data?.password;
      await kit.node.seal();
      await kit.clock.advance(3_601_000);
      await kit.start();
      await kit.clock.advance(1000);
      const rotated = async () =>
        (await kit.ask("read", "database/static-creds/app")).data?.password !== before;
      assert(await eventually(rotated), "rotations that were missed are made good");
      await revoke(kit, user);
      assertEquals(await login(user), undefined);
    });
  } finally {
    await kit.node.seal();
    await postgres.server.remove();
  }
});
