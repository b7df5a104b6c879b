/** Mounts come, change, move and go, with everything below them. */
import { assert, assertEquals } from "@std/assert";
import { startNode } from "./kit.ts";

Deno.test("a disabled mount leaves nothing behind", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/mounts/gone", { data: { type: "kv" } });
  const uuid = kit.node.services.mounts.router.at("gone/")?.entry.uuid ?? "none";
  for (let i = 0; i < 1200; i++) {
    await kit.ask("update", `gone/k${i}`, { data: { v: String(i) } });
  }
  await kit.ask("delete", "sys/mounts/gone");
  const all = await kit.node.services.transactions.run((t) => t.scan("", { limit: 10_000 }));
  assertEquals(all.filter(({ key }) => key.includes(uuid)).map(({ key }) => key), []);
  assertEquals(await kit.status("read", "gone/k1"), 404);
});

Deno.test("a mount moves with its data", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/mounts/here", { data: { type: "kv" } });
  await kit.ask("update", "here/a", { data: { v: "1" } });
  await kit.ask("update", "sys/remount", { data: { from: "here", to: "there/deep" } });
  assertEquals((await kit.ask("read", "there/deep/a")).data, { v: "1" });
  assertEquals(await kit.status("read", "here/a"), 404);
});

Deno.test("mounts are there again after seal and unseal", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/mounts/kv2", { data: { type: "kv", options: { version: "2" } } });
  await kit.ask("update", "kv2/data/a", { data: { data: { x: "1" } } });
  await kit.ask("update", "sys/mounts/kv2/tune", { data: { description: "tuned" } });
  await kit.node.seal();
  await kit.start();
  assertEquals((await kit.ask("read", "sys/mounts/kv2")).data?.description, "tuned");
  assertEquals(await kit.status("read", "kv2/data/a"), 200);
});

Deno.test("a KV mount is upgraded with all its values as first versions", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/mounts/up", { data: { type: "kv" } });
  for (let i = 0; i < 250; i++) await kit.ask("update", `up/d/k${i}`, { data: { v: String(i) } });
  await kit.ask("update", "sys/mounts/up/tune", { data: { options: { version: "2" } } });
  for (let i = 0; i < 50 && await kit.status("read", "up/data/d/k249") !== 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { data } = await kit.ask("read", "up/data/d/k17");
  assertEquals(data?.data, { v: "17" });
  const listed = await kit.ask("list", "up/metadata/d/");
  assert(Array.isArray(listed.data?.keys) && listed.data.keys.length === 250);
});

Deno.test("of many that enable the same path at once, one succeeds", async () => {
  const kit = await startNode();
  const tries = await Promise.all(
    Array.from(
      { length: 8 },
      () => kit.status("update", "sys/mounts/race", { data: { type: "kv" } }),
    ),
  );
  assertEquals(tries.filter((status) => status === 200).length, 1);
});

Deno.test("while requests end, the node is sealed already and no standby", async () => {
  const kit = await startNode();
  const reading = kit.ask("read", "sys/mounts");
  const sealing = kit.node.seal();
  await Promise.resolve();
  assertEquals({ sealed: kit.node.sealed, standby: kit.node.standby }, {
    sealed: true,
    standby: false,
  });
  await reading;
  await kit.clock.advance(5);
  await sealing;
  assertEquals(kit.node.sealed, true);
});
