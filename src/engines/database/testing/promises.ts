/** What holds for users of every kind of database, told to a real server. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../base/failure.ts";
import type { NodeKit } from "../../../core/testing/kit.ts";
import { InmemStorage } from "../../../storage/inmem.ts";
import type { Storage } from "../../../storage/storage.ts";
import { databasePlugins } from "../backend.ts";
import type { Database, DatabasePlugin } from "../plugin.ts";
import type { TestDatabase } from "./database.ts";
import { databaseNode } from "./node.ts";
import { eventually } from "./process.ts";
import { leases, newUser, revoke, type User } from "./users.ts";

async function addRole(
  kit: NodeKit,
  database: TestDatabase,
  name: string,
  data: Record<string, string | string[]> = {},
): Promise<void> {
  const usual = { db_name: "db", creation_statements: [...database.creation], default_ttl: "1h" };
  await kit.ask("update", `database/roles/${name}`, { data: { ...usual, ...data } });
}

async function mount(kit: NodeKit, database: TestDatabase): Promise<void> {
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  await kit.ask("update", "database/config/db", { data: database.config });
  await addRole(kit, database, "r");
}

/** Logins that end: with their lease, their time, their token, and after their role. */
async function usersEnd(t: Deno.TestContext, database: TestDatabase): Promise<void> {
  const kit = await databaseNode();
  await mount(kit, database);
  const login = (user: User) => database.login(user.name, user.password);
  const gone = (user: User) => eventually(async () => await database.users(user.name) === 0);

  await t.step("a wrong password is told, not shown", async () => {
    const data = { ...database.config, password: "not-the-one" };
    const ask = () => kit.ask("update", "database/config/wrong", { data });
    const error = await assertRejects(ask, Failure);
    assertEquals(error.status, 400);
    assert(!error.message.includes("not-the-one"), error.message);
    assertEquals(await kit.status("read", "database/config/wrong"), 404);
    const kept = await kit.ask("read", "database/config/db");
    assert(!JSON.stringify(kept).includes(String(database.config.password)));
  });

  await t.step("a login works, and is gone after the lease is revoked", async () => {
    const user = await newUser(kit);
    assert(await login(user));
    await revoke(kit, user);
    assertEquals([await login(user), await database.users(user.name)], [false, 0]);
  });

  await t.step("a session that is open ends with the lease", async () => {
    const user = await newUser(kit);
    const session = database.session(user.name, user.password);
    assert(await eventually(async () => await database.sessions(user.name) > 0));
    await revoke(kit, user);
    assertEquals(await session, false);
  });

  await t.step("it is gone when its time is over, and lives on when renewed", async () => {
    const [short, renewed] = [await newUser(kit), await newUser(kit)];
    await kit.clock.advance(1_800_000);
    const data = { lease_id: renewed.lease, increment: 7200 };
    await kit.ask("update", "sys/leases/renew", { data });
    await kit.clock.advance(1_801_000);
    assert(await gone(short));
    assert(await login(renewed));
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
    const user = await newUser(kit);
    await kit.ask("delete", "database/roles/r");
    await revoke(kit, user);
    assertEquals([await login(user), await database.users(user.name)], [false, 0]);
    await addRole(kit, database, "r");
  });

  await t.step("a creation that fails leaves neither lease nor user", async () => {
    const username_template = "broken-{{random 8}}";
    await kit.ask("update", "database/config/db", { data: { username_template } });
    await addRole(kit, database, "broken", { creation_statements: [...database.broken] });
    assertEquals(await kit.status("read", "database/creds/broken"), 500);
    assertEquals([await leases(kit, "broken"), await database.users("broken-%")], [[], 0]);
  });
  await kit.node.seal();
}

/** Passwords that change: of static users and of our own. */
async function passwordsChange(t: Deno.TestContext, database: TestDatabase): Promise<void> {
  const kit = await databaseNode();
  await mount(kit, database);

  await t.step("a static role's password is ours from the start and changes", async () => {
    await database.addUser("app", "first");
    const works = (password: string) => database.login("app", password);
    const data = { db_name: "db", username: "app", rotation_period: "1h" };
    await kit.ask("update", "database/static-roles/app", { data });
    const read = async () =>
      String((await kit.ask("read", "database/static-creds/app")).data?.password);
    const first = await read();
    await kit.ask("update", "database/rotate-role/app");
    const second = await read();
    const all = [await works("first"), await works(first), await works(second)];
    assertEquals(all, [false, false, true]);
    await kit.clock.advance(3_601_000);
    assert(await eventually(async () => await read() !== second), "rotated by itself");
    assert(await works(await read()));
    assertEquals(await works(second), false);
  });

  await t.step(
    "one with a schedule changes at its time, in UTC, and not past its window",
    async () => {
      await database.addUser("planned", "first");
      const data = { db_name: "db", username: "planned", rotation_schedule: "30 * * * *" };
      const write = (more: Record<string, string>) =>
        kit.status("update", "database/static-roles/planned", { data: { ...data, ...more } });
      assertEquals(await write({ rotation_period: "1h" }), 400);
      assertEquals(await write({ rotation_window: "10m" }), 400);
      assertEquals(await write({ rotation_schedule: "61 * * * *" }), 400);
      assertEquals(await write({ rotation_window: "1h" }), 200);
      const read = async () => (await kit.ask("read", "database/static-creds/planned")).data ?? {};
      const { password, ttl } = await read();
      const start = kit.clock.now();
      const half = 1_800_000;
      const due = Math.floor((start + half) / 3_600_000) * 3_600_000 + half;
      assertEquals(ttl, Math.floor((due - start) / 1000));
      await kit.clock.advance(due - start + 1000);
      // A schedule that was still at work arms its timer late, on a clock that stands.
      const hasChanged = (from: unknown) =>
        eventually(async () => {
          await kit.clock.advance(1000);
          return (await read()).password !== from;
        });
      assert(await hasChanged(password), "in time");
      const second = String((await read()).password);
      assert(await database.login("planned", second));
      await kit.node.seal();
      await kit.clock.advance(3 * 3_600_000 - 60_000 + 3_600_000);
      await kit.start();
      await kit.clock.advance(1000);
      assertEquals((await read()).password, second, "its window was over");
      await kit.clock.advance(3_600_000);
      assert(await hasChanged(second), "the next time");
    },
  );

  await t.step("one of a user that is not there is refused and leaves nothing", async () => {
    const data = { db_name: "db", username: "absent", rotation_period: "1h" };
    assertEquals(await kit.status("update", "database/static-roles/none", { data }), 500);
    assertEquals(await kit.status("read", "database/static-roles/none"), 404);
    assertEquals(await database.users("absent"), 0);
  });

  await t.step("after root was rotated, its old password is void and ours works", async () => {
    await kit.ask("update", "database/rotate-root/db");
    assertEquals(await database.superLogin(), false);
    const user = await newUser(kit);
    assert(await database.login(user.name, user.password));
    await kit.ask("update", "database/reset/db");
    await kit.node.seal();
    await kit.start();
    await revoke(kit, user);
    assertEquals(await database.login(user.name, user.password), false);
  });
  await kit.node.seal();
}

/** A plugin whose users' creation stops for ever, before or after the database has heard of it. */
function stopping(plugin: DatabasePlugin, at: "before" | "after", stopped: () => void) {
  const halt = () => {
    stopped();
    return new Promise<never>(() => {});
  };
  const hold = (database: Database): Database => ({
    async run(purpose, statements, values, mayBegin) {
      if (at === "before") return await halt();
      await database.run(purpose, statements, values, mayBegin);
      return await halt();
    },
    drop: (name) => database.drop(name),
    has: (name) => database.has(name),
    close: () => database.close(),
  });
  return {
    ...plugin,
    open: async (settings) => hold(await plugin.open(settings)),
  } satisfies DatabasePlugin;
}

async function crash(database: TestDatabase, at: "before" | "after", physical: Storage) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const plugins = databasePlugins.map((plugin) => stopping(plugin, at, resolve));
  const kit = await databaseNode({ physical, plugins });
  const username_template = `crash-${at}`;
  await mount(kit, { ...database, config: { ...database.config, username_template } });
  // Never answered.
  void kit.ask("read", "database/creds/r");
  await promise;
}

/** Whatever the node dies of in the middle of making a user, the user goes. */
async function crashesLeaveNobody(
  t: Deno.TestContext,
  database: TestDatabase,
  revocation: readonly string[],
): Promise<void> {
  for (const at of ["before", "after"] as const) {
    for (const own of [[], [...revocation]]) {
      const how = own.length === 0 ? "dropped" : "ended by statements";
      await t.step(`a node that dies ${at} the user is made: the user is ${how}`, async () => {
        const physical = new InmemStorage();
        await crash(database, at, physical);
        assertEquals(await database.users(`crash-${at}`), at === "before" ? 0 : 1);
        const kit = await databaseNode({ physical });
        await addRole(kit, database, "r", { revocation_statements: own });
        assertEquals((await leases(kit, "r")).length, 1);
        await kit.clock.advance(3_601_000);
        assert(await eventually(async () => (await leases(kit, "r")).length === 0));
        assertEquals(await database.users(`crash-${at}`), 0);
        await kit.node.seal();
      });
    }
  }
}

/** Tests all of it against a server of its own; where there is none, that is said and skipped. */
export function keepsThem(
  name: string,
  begin: () => Promise<RevocableDatabase | undefined>,
): void {
  Deno.test(name, async (t) => {
    const database = await begin();
    if (database === undefined) return;
    try {
      await usersEnd(t, database);
      await crashesLeaveNobody(t, database, database.revocation);
      await passwordsChange(t, database);
    } finally {
      await database.server.remove();
    }
  });
}

interface RevocableDatabase extends TestDatabase {
  /** Statements that take a user away. */
  readonly revocation: readonly string[];
}
