/** Passwords that change by themselves: in time, each by its own clock, whoever else is in trouble. */
import { assert, assertEquals } from "@std/assert";
import { utf8 } from "../../base/bytes.ts";
import type { NodeKit } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import { findConfig } from "./config.ts";
import { DatabaseFailure, type DatabasePlugin } from "./plugin.ts";
import { postgres } from "./postgres/plugin.ts";
import { readStaticRole } from "./static_role.ts";
import { FakeDatabase } from "./testing/fake_database.ts";
import { databaseNode } from "./testing/node.ts";

const minute = 60_000;
const hour = 60 * minute;

/** Counts how often static roles are read. */
class CountingStorage extends InmemStorage {
  reads = 0;

  override get(key: string) {
    if (key.includes("/static-role/")) this.reads++;
    return super.get(key);
  }
}

async function start(fake: FakeDatabase, physical = new CountingStorage()): Promise<NodeKit> {
  const plugin: DatabasePlugin = { ...postgres, open: () => Promise.resolve(fake) };
  const kit = await databaseNode({ physical, plugins: [plugin] });
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  await config(kit, {});
  return kit;
}

function config(kit: NodeKit, data: JsonObject): Promise<unknown> {
  const connection_url = "postgres://{{username}}:{{password}}@127.0.0.1/db";
  const usual = { plugin_name: "postgresql-database-plugin", connection_url, allowed_roles: "*" };
  const all = { ...usual, username: "root", password: "first", ...data };
  return kit.ask("update", "database/config/db", { data: all });
}

function role(kit: NodeKit, username: string, data: JsonObject = {}): Promise<number> {
  const all = { db_name: "db", username, rotation_period: "1h", ...data };
  return kit.status("update", `database/static-roles/${username}`, { data: all });
}

async function password(kit: NodeKit, name: string): Promise<unknown> {
  return (await kit.ask("read", `database/static-creds/${name}`)).data?.password;
}

Deno.test("the roles that are not due are not looked at", async () => {
  const physical = new CountingStorage();
  const fake = new FakeDatabase();
  const kit = await start(fake, physical);
  for (let i = 0; i < 200; i++) await role(kit, `slow${i}`, { rotation_period: "24h" });
  await role(kit, "fast", { rotation_period: "5m" });
  await kit.clock.advance(minute);
  physical.reads = 0;
  const before = fake.rotations;
  await kit.clock.advance(hour);
  assertEquals(fake.rotations - before, 12);
  assert(physical.reads < 12 * 12, `${physical.reads} reads`);
  await kit.node.seal();
});

Deno.test("roles that an older version has kept are rotated in time", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const { services } = kit.node;
  const uuid = services.mounts.router.at("database/")?.entry.uuid ?? "";
  const now = kit.clock.now();
  const kept = {
    dbName: "db",
    rotateStatements: [],
    rotationPeriod: 3600,
    rotationSchedule: "",
    rotationWindow: 0,
    password: "old",
    pendingPassword: "",
    lastRotation: now,
    nextRotation: now + hour,
  };
  await services.transactions.run((transaction) => {
    const storage = transaction.within(`logical/${uuid}/`);
    storage.delete("due-ordered");
    for (let i = 0; i < 250; i++) {
      const username = `old${i}`;
      storage.put(`static-role/${username}`, utf8(JSON.stringify({ ...kept, username })));
    }
    return Promise.resolve();
  });
  await kit.node.seal();
  await kit.start();
  await kit.clock.advance(minute);
  assertEquals(fake.rotations, 0);
  await kit.clock.advance(hour);
  assertEquals(fake.passwords.size, 250);
  assertEquals(await password(kit, "old7"), fake.passwords.get("old7"));
  await kit.node.seal();
});

Deno.test("a role that skips the rotation of its import keeps its password until its time", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  assertEquals(await role(kit, "app", { password: "theirs" }), 400);
  assertEquals(await role(kit, "app", { skip_import_rotation: true, password: "theirs" }), 200);
  assertEquals([await password(kit, "app"), fake.rotations], ["theirs", 0]);
  assertEquals(await role(kit, "bare", { skip_import_rotation: true }), 200);
  assertEquals(await kit.status("read", "database/static-creds/bare"), 400);
  const read = await kit.ask("read", "database/static-roles/app");
  assertEquals([read.data?.skip_import_rotation, read.data?.password], [true, undefined]);
  await kit.clock.advance(hour + 1000);
  assertEquals(await password(kit, "app"), fake.passwords.get("app"));
  assertEquals(await password(kit, "bare"), fake.passwords.get("bare"));
  await kit.node.seal();
});

Deno.test("a failure before its first rotation does not forget a role that was imported", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await role(kit, "bare", { skip_import_rotation: true });
  fake.failure = new DatabaseFailure("no answer", true, true);
  await kit.clock.advance(hour + 1000);
  assertEquals(await kit.status("read", "database/static-roles/bare"), 200);
  fake.failure = undefined;
  await kit.clock.advance(11 * minute);
  assertEquals(await password(kit, "bare"), fake.passwords.get("bare"));
  await kit.node.seal();
});

Deno.test("of many roles at a database that does not answer, one is tried at a time", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  for (let i = 0; i < 50; i++) await role(kit, `app${i}`);
  fake.failure = new DatabaseFailure("no answer", true, true);
  fake.rotations = 0;
  await kit.clock.advance(2 * hour);
  assert(fake.rotations > 5 && fake.rotations < 40, `${fake.rotations} in two hours`);
  fake.failure = undefined;
  fake.rotations = 0;
  await kit.clock.advance(11 * minute);
  assertEquals(fake.rotations, 50);
  await kit.node.seal();
});

Deno.test("our own password changes after a period, unless that is turned off", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await config(kit, { rotation_period: "1h" });
  await kit.clock.advance(hour - minute);
  assertEquals(fake.passwords.has("root"), false);
  await kit.clock.advance(2 * minute);
  const first = fake.passwords.get("root");
  assert(first !== undefined);
  await kit.clock.advance(hour);
  const second = fake.passwords.get("root");
  assert(second !== first);
  await kit.ask("update", "database/config/db", { data: { disable_automated_rotation: true } });
  await kit.clock.advance(3 * hour);
  assertEquals(fake.passwords.get("root"), second);
  const { data } = await kit.ask("read", "database/config/db");
  assertEquals([data?.rotation_period, data?.disable_automated_rotation], [3600, true]);
  await kit.ask("update", "database/rotate-root/db");
  assert(fake.passwords.get("root") !== second, "by hand it still does");
  await kit.node.seal();
});

Deno.test("by a schedule it changes at its time, and not past its window", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  const write = (data: JsonObject) => kit.status("update", "database/config/db", { data });
  const rotation_schedule = "30 * * * *";
  assertEquals(await write({ rotation_schedule, rotation_period: "1h" }), 400);
  assertEquals(await write({ rotation_window: "1h" }), 400);
  assertEquals(await write({ rotation_schedule, rotation_window: "1m" }), 400);
  assertEquals(await write({ rotation_schedule, rotation_window: "1h" }), 200);
  await kit.clock.advance(10 * minute);
  await kit.node.seal();
  await kit.clock.advance(2 * hour);
  await kit.start();
  await kit.clock.advance(10 * minute);
  assertEquals(fake.rotations, 0, "its window was over");
  await kit.clock.advance(15 * minute);
  assertEquals(fake.rotations, 1);
  await kit.node.seal();
});

Deno.test("our own rotation that fails is tried again with the same password", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await config(kit, { rotation_period: "1h" });
  fake.failure = new DatabaseFailure("connection lost", false, true);
  await kit.clock.advance(3 * hour);
  assert(fake.rotations > 3);
  fake.failure = undefined;
  await kit.clock.advance(11 * minute);
  const works = fake.passwords.get("root");
  assert(works !== undefined);
  const { services } = kit.node;
  const uuid = services.mounts.router.at("database/")?.entry.uuid ?? "";
  const kept = await services.transactions.run((t) =>
    findConfig(t.within(`logical/${uuid}/`), "db")
  );
  assertEquals([kept?.password, kept?.pendingPasswords], [works, []]);
  await kit.node.seal();
});

Deno.test("a password that a broken-off rotation may have put in force is kept until one has ended", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await config(kit, { rotation_period: "1h" });
  await role(kit, "app");
  // It came into force, and nobody said so.
  fake.after = new DatabaseFailure("connection lost", false, true);
  assertEquals(await kit.status("update", "database/rotate-role/app"), 500);
  await kit.clock.advance(hour + 1000);
  fake.after = undefined;
  const [ours, app] = ["root", "app"].map((name) => String(fake.passwords.get(name)));
  fake.failure = new DatabaseFailure("no answer", true, true);
  await kit.clock.advance(5 * minute);
  assertEquals(await kit.status("update", "database/rotate-role/app"), 500);
  const { services } = kit.node;
  const uuid = services.mounts.router.at("database/")?.entry.uuid ?? "";
  const kept = await services.transactions.run(async (t) => {
    const storage = t.within(`logical/${uuid}/`);
    const root = await findConfig(storage, "db");
    return [root?.pendingPasswords, (await readStaticRole(storage, "app"))?.pendingPassword];
  });
  assertEquals(JSON.stringify(kept), JSON.stringify([[ours], app]));
  await kit.node.seal();
});

Deno.test("of two that rotate a role at once, both hear that it failed, or that it is done", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await role(kit, "app");
  const both = () =>
    Promise.all([1, 2].map(() => kit.status("update", "database/rotate-role/app")));
  const before = await password(kit, "app");
  fake.failure = new DatabaseFailure("syntax error", true);
  assertEquals(await both(), [500, 500]);
  assertEquals(await password(kit, "app"), before);
  fake.failure = undefined;
  let atOnce = 0;
  let most = 0;
  fake.beforeRotation = async () => {
    most = Math.max(most, ++atOnce);
    await new Promise((resolve) => setTimeout(resolve, 5));
    atOnce--;
  };
  assertEquals(await both(), [200, 200]);
  assertEquals(await password(kit, "app"), fake.passwords.get("app"));
  assert(await password(kit, "app") !== before);
  const root = () => kit.status("update", "database/rotate-root/db");
  assertEquals(await Promise.all([root(), root(), root()]), [200, 200, 200]);
  const { services } = kit.node;
  const uuid = services.mounts.router.at("database/")?.entry.uuid ?? "";
  const kept = await services.transactions.run((t) =>
    findConfig(t.within(`logical/${uuid}/`), "db")
  );
  assertEquals([kept?.password, kept?.pendingPasswords], [fake.passwords.get("root"), []]);
  assertEquals(most, 1, "one at a time");
  await kit.node.seal();
});

Deno.test("of two that rotate our own password at once, one fails and the other's works", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  let tries = 0;
  fake.beforeRotation = () => {
    fake.failure = tries++ === 0 ? new DatabaseFailure("syntax error", true) : undefined;
    return Promise.resolve();
  };
  const root = () => kit.status("update", "database/rotate-root/db");
  assertEquals((await Promise.all([root(), root()])).toSorted(), [200, 500]);
  const { services } = kit.node;
  const uuid = services.mounts.router.at("database/")?.entry.uuid ?? "";
  const kept = await services.transactions.run((t) =>
    findConfig(t.within(`logical/${uuid}/`), "db")
  );
  assertEquals([kept?.password, kept?.pendingPasswords], [fake.passwords.get("root"), []]);
  await kit.node.seal();
});
