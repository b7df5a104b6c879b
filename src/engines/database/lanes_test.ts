/** Rotations of several connections go on beside each other, each connection's in their order. */
import { assert, assertEquals } from "@std/assert";
import { settle } from "../../core/testing/kit.ts";
import { FakeDatabase } from "./testing/fake_database.ts";
import { noAnswer, twoDatabases } from "./testing/two_databases.ts";

const hour = 3_600_000;

/** Static roles `name0`… of a connection. */
async function roles(
  { kit }: Awaited<ReturnType<typeof twoDatabases>>,
  name: string,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const data = { db_name: name, username: `${name}${i}`, rotation_period: "1h" };
    await kit.ask("update", `database/static-roles/${name}${i}`, { data });
  }
}

Deno.test("a database that hangs holds up no rotations of another", async () => {
  const world = await twoDatabases();
  const { kit, live, dead } = world;
  // The one that hangs is due first.
  await roles(world, "dead", 5);
  await roles(world, "live", 5);
  const hang = Promise.withResolvers<void>();
  dead.beforeRotation = () => hang.promise;
  const [before, stuck] = [live.rotations, dead.rotations];
  await kit.clock.advance(hour + 1000);
  await settle();
  assertEquals([live.rotations - before, dead.rotations - stuck], [5, 0]);
  await kit.clock.advance(hour);
  assertEquals(live.rotations - before, 10, "and later ones as well");
  dead.beforeRotation = () => Promise.resolve();
  hang.reject(noAnswer);
  await settle();
  await kit.clock.advance(11 * 60_000);
  assertEquals(dead.rotations - stuck, 5);
  await kit.node.seal();
});

Deno.test("the rotations of one connection are tried one at a time, soonest first", async () => {
  const live = new FakeDatabase();
  const world = await twoDatabases(live);
  const { kit } = world;
  const order: string[] = [];
  let atOnce = 0, most = 0;
  await roles(world, "live", 6);
  live.beforeRotation = async (name) => {
    most = Math.max(most, ++atOnce);
    await Promise.resolve();
    order.push(name);
    atOnce--;
  };
  await kit.clock.advance(hour + 60_000);
  assertEquals([order, most], [[0, 1, 2, 3, 4, 5].map((i) => `live${i}`), 1]);
  await kit.node.seal();
});

Deno.test("many databases that hang hold up none that answers", async () => {
  const world = await twoDatabases();
  const { kit, live, dead } = world;
  const hang = Promise.withResolvers<void>();
  for (let i = 0; i < 40; i++) {
    const connection_url = `postgres://{{username}}:{{password}}@127.0.0.1:${i + 1}/dead`;
    const plugin_name = "postgresql-database-plugin";
    const config = { plugin_name, connection_url, allowed_roles: "*", username: "u" };
    await kit.ask("update", `database/config/dead${i}`, { data: config });
    const data = { db_name: `dead${i}`, username: `u${i}`, rotation_period: "30m" };
    await kit.ask("update", `database/static-roles/dead${i}`, { data });
  }
  await roles(world, "live", 3);
  // They have all been found not to answer once; then they hang.
  dead.beforeRotation = () => Promise.reject(noAnswer);
  await kit.clock.advance(hour - 60_000);
  dead.beforeRotation = () => hang.promise;
  const before = live.rotations;
  await kit.clock.advance(10 * 60_000);
  await settle();
  assertEquals(live.rotations - before, 3);
  hang.reject(noAnswer);
  await settle();
  assert(dead.rotations >= 40);
  await kit.node.seal();
});
