/** What is done at a database, for however long, holds up nobody who changes its connection. */
import { assertEquals } from "@std/assert";
import { twoDatabases } from "./testing/two_databases.ts";
import { newUser, revoke } from "./testing/users.ts";

Deno.test("a connection that is changed again and again while a user is dropped", async () => {
  const { kit, live } = await twoDatabases();
  const user = await newUser(kit, "live");
  let drops = 0;
  live.beforeDrop = async () => {
    drops++;
    // Of two at once one has to wait for the other.
    await Promise.all(
      [0, 1].map((i) => kit.ask("update", "database/config/live", { data: { username: `u${i}` } })),
    );
  };
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("it waits"), 10_000);
  try {
    assertEquals(await Promise.race([revoke(kit, user).then(() => "done"), late.promise]), "done");
  } finally {
    clearTimeout(timer);
  }
  assertEquals([drops, live.users.size], [1, 0]);
});
