/** Keys rotate by themselves when their time has come, and not where nobody may rotate them. */
import { assertEquals } from "@std/assert";
import { settle } from "../../core/testing/kit.ts";
import { b64, startTransit, type TransitKit } from "./testing/kit.ts";

const hour = 3_600_000;

async function after(kit: TransitKit, milliseconds: number): Promise<void> {
  await kit.node.clock.advance(milliseconds);
  for (let i = 0; i < 5; i++) await settle();
}

async function latest(kit: TransitKit, name: string): Promise<unknown> {
  return (await kit.read(`keys/${name}`)).latest_version;
}

Deno.test("a key rotates once a period", async () => {
  const kit = await startTransit();
  await kit.write("keys/hourly", { auto_rotate_period: "1h" });
  await kit.write("keys/daily", { auto_rotate_period: "24h" });
  await kit.write("keys/never");
  const ciphertext = await kit.encrypt("hourly", "x");
  await after(kit, hour - 120_000);
  assertEquals(await latest(kit, "hourly"), 1);
  await after(kit, 200_000);
  assertEquals(await latest(kit, "hourly"), 2);
  for (let i = 0; i < 3; i++) await after(kit, hour + 60_000);
  assertEquals(await latest(kit, "hourly"), 5);
  assertEquals(await latest(kit, "daily"), 1);
  assertEquals(await latest(kit, "never"), 1);
  assertEquals(await kit.decrypt("hourly", ciphertext), b64("x"));
});

Deno.test("what came due while the node was sealed is done after it", async () => {
  const kit = await startTransit();
  await kit.write("keys/k", { auto_rotate_period: "1h" });
  await kit.node.node.seal();
  await after(kit, 3 * hour);
  await kit.node.start();
  await after(kit, 1000);
  assertEquals(await latest(kit, "k"), 2);
});

Deno.test("one that is set aside, or has no period any more, does not rotate", async () => {
  const kit = await startTransit();
  for (const name of ["aside", "stopped", "by-hand"]) {
    await kit.write(`keys/${name}`, { auto_rotate_period: "1h" });
  }
  await kit.node.ask("delete", "t/keys/aside/soft-delete");
  await kit.write("keys/stopped/config", { auto_rotate_period: 0 });
  await after(kit, hour / 2);
  await kit.write("keys/by-hand/rotate");
  await after(kit, 0.9 * hour);
  assertEquals(await latest(kit, "by-hand"), 2, "the period counts from the last rotation");
  await after(kit, hour);
  assertEquals(await latest(kit, "by-hand"), 3);
  assertEquals([await latest(kit, "aside"), await latest(kit, "stopped")], [1, 1]);
  await kit.write("keys/aside/soft-delete-restore");
  await after(kit, 120_000);
  assertEquals(await latest(kit, "aside"), 2);
});
