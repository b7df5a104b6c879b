/** Static roles out of a loaded snapshot. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { openSnapshot } from "../../core/loaded_snapshots.ts";
import { type NodeKit, settle } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import type { DatabasePlugin } from "./plugin.ts";
import { DatabaseFailure } from "./plugin.ts";
import { postgres } from "./postgres/plugin.ts";
import { FakeDatabase } from "./testing/fake_database.ts";
import { databaseNode } from "./testing/node.ts";

const snapshot = { id: "s1" };

async function start(fake: FakeDatabase): Promise<NodeKit> {
  const plugin: DatabasePlugin = { ...postgres, open: () => Promise.resolve(fake) };
  const kit = await databaseNode({ plugins: [plugin] });
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  const connection_url = "postgres://{{username}}:{{password}}@127.0.0.1/db";
  const config = { plugin_name: "postgresql-database-plugin", connection_url, allowed_roles: "*" };
  await kit.ask("update", "database/config/db", {
    data: { ...config, username: "root", password: "first" },
  });
  return kit;
}

function role(kit: NodeKit, name: string, data: JsonObject = {}): Promise<number> {
  const all = { db_name: "db", username: name, rotation_period: "1h", ...data };
  return kit.status("update", `database/static-roles/${name}`, { data: all });
}

async function password(kit: NodeKit, name: string, inSnapshot = false): Promise<unknown> {
  const asked = inSnapshot ? { snapshot } : {};
  return (await kit.ask("read", `database/static-creds/${name}`, asked)).data?.password;
}

/** Loads what is stored now. */
async function load(kit: NodeKit): Promise<void> {
  const { transactions, mounts, snapshots } = kit.node.services;
  const copy = new InmemStorage();
  const all = await transactions.storage.scan("", { limit: 1_000_000 });
  await copy.write(all.map(({ key, value }) => ({ key, value })));
  const opened = await openSnapshot(mounts, copy);
  const expiresAt = kit.clock.now() + 72 * 3_600_000;
  await snapshots.load(() =>
    Promise.resolve({ ...snapshot, expiresAt, opened, close: () => Promise.resolve() })
  );
}

const recover = (kit: NodeKit, name: string, sourcePath?: string) =>
  kit.status("recover", `database/static-roles/${name}`, {
    snapshot: { ...snapshot, ...(sourcePath === undefined ? {} : { sourcePath }) },
  });

Deno.test("a snapshot shows static roles and their passwords of then, and nothing that would act", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await role(kit, "app");
  await kit.ask("update", "database/roles/r", { data: { db_name: "db", default_ttl: "1h" } });
  const then = await password(kit, "app");
  await load(kit);
  await kit.ask("update", "database/rotate-role/app");
  assertEquals(await password(kit, "app", true), then);
  assertNotEquals(await password(kit, "app"), then);
  const list = await kit.ask("list", "database/static-roles", { snapshot });
  assertEquals(list.data?.keys, ["app"]);
  const shown = await kit.ask("read", "database/static-roles/app", { snapshot });
  assertEquals(shown.data?.rotation_period, 3_600);
  for (const path of ["database/creds/r", "database/roles/r", "database/config/db"]) {
    assertEquals(await kit.status("read", path, { snapshot }), 404, path);
  }
  assertEquals(fake.users.size, 0);
});

Deno.test("a role that is there gets its settings back, and keeps the password that is in force", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await role(kit, "app");
  await load(kit);
  await role(kit, "app", { rotation_period: "5m", rotation_statements: ["odd"] });
  await kit.ask("update", "database/rotate-role/app");
  const inForce = fake.passwords.get("app");
  const { rotations } = fake;
  assertEquals(await recover(kit, "app"), 200);
  const back = (await kit.ask("read", "database/static-roles/app")).data;
  assertEquals([back?.rotation_period, back?.rotation_statements], [3_600, []]);
  assertEquals([await password(kit, "app"), fake.rotations], [inForce, rotations]);
  // By the settings of then it rotates from now on, and by no others.
  await kit.clock.advance(600_000);
  assertEquals(fake.rotations, rotations);
  await kit.clock.advance(3_000_000);
  assertEquals(fake.rotations, rotations + 1);
  assertEquals(await password(kit, "app"), fake.passwords.get("app"));
});

Deno.test("a role that is gone comes back with a new password, in force at once", async () => {
  const fake = new FakeDatabase();
  const kit = await start(fake);
  await role(kit, "app");
  await role(kit, "left", { skip_import_rotation: true, password: "as it was" });
  const then = fake.passwords.get("app");
  await load(kit);
  for (const name of ["app", "left"]) {
    await kit.ask("delete", `database/static-roles/${name}`);
  }
  // Where the database refuses, there is no role afterwards.
  fake.failure = new DatabaseFailure("no", true);
  assertEquals(await recover(kit, "app"), 500);
  assertEquals(await kit.status("read", "database/static-roles/app"), 404);
  fake.failure = undefined;
  assertEquals(await recover(kit, "app"), 200);
  await settle();
  assertNotEquals(fake.passwords.get("app"), then);
  assertEquals(await password(kit, "app"), fake.passwords.get("app"));
  const { rotations } = fake;
  assertEquals(await recover(kit, "left"), 200);
  assertEquals([await password(kit, "left"), fake.rotations], ["as it was", rotations]);
});

Deno.test("what is no static role, or of another user, is refused", async () => {
  const kit = await start(new FakeDatabase());
  await role(kit, "app");
  await kit.ask("update", "sys/mounts/one", { data: { type: "kv" } });
  await kit.ask("update", "one/static-roles/app", { data: { username: "app" } });
  await load(kit);
  assertEquals(await recover(kit, "none"), 404);
  assertEquals(await recover(kit, "app", "one/static-roles/app"), 400);
  assertEquals(await recover(kit, "app", "database/static-creds/app"), 400);
  assertEquals(await recover(kit, "copy", "database/static-roles/app"), 200);
  await kit.ask("delete", "database/static-roles/app");
  await role(kit, "app", { username: "other" });
  assertEquals(await recover(kit, "app"), 400);
  assert(await kit.status("read", "database/static-roles/copy") === 200);
});
