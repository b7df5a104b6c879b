/** What was revoked stays revoked on a node whose clock shows less. */
import { assertEquals } from "@std/assert";
import { twoDatabases } from "./testing/two_databases.ts";
import { newUser } from "./testing/users.ts";

Deno.test("a lease that was revoked, or whose token was, is not renewed where the clock was set back", async () => {
  const { kit, live } = await twoDatabases();
  const token = await kit.token({ policies: ["root"], ttl: "10h" });
  const ids = [await newUser(kit, "live"), await newUser(kit, "live", token)].map((user) =>
    user.lease
  );
  const { expiration } = kit.node.services;
  // As where it goes on at another node.
  await expiration.stop();
  await kit.ask("update", "sys/leases/revoke", { data: { lease_id: ids[0] ?? "" } });
  await kit.ask("update", "auth/token/revoke", { data: { token } });
  await kit.clock.advance(-1_800_000);
  for (const lease_id of ids) {
    assertEquals(await kit.status("update", "sys/leases/renew", { data: { lease_id } }), 400);
    const { data } = await kit.ask("update", "sys/leases/lookup", { data: { lease_id } });
    assertEquals(data?.ttl, 0);
  }
  await kit.node.seal();
  await kit.start();
  await kit.clock.advance(60_000);
  assertEquals(live.users.size, 0, "and they are taken back all the same");
  await kit.node.seal();
});
