/** KV version 2: versions come, stay, go and come back as was said. */
import { assert, assertEquals } from "@std/assert";
import { startNode } from "./kit.ts";

async function withKv() {
  const kit = await startNode();
  await kit.ask("update", "sys/mounts/kv", { data: { type: "kv", options: { version: "2" } } });
  const write = (path: string, value: string, cas?: number) =>
    kit.status("update", `kv/data/${path}`, {
      data: { data: { v: value }, ...(cas === undefined ? {} : { options: { cas } }) },
    });
  const read = async (path: string, version = 0) => {
    const { data } = await kit.ask("read", `kv/data/${path}`, { data: { version } });
    return data?.data ?? null;
  };
  return { kit, write, read };
}

Deno.test("of many that write with the same cas at once, one succeeds", async () => {
  const { kit, write } = await withKv();
  const statuses = await Promise.all(Array.from({ length: 30 }, (_, i) => write("a", `${i}`, 0)));
  assertEquals(statuses.filter((status) => status === 200).length, 1);
  const { data } = await kit.ask("read", "kv/metadata/a");
  assertEquals(data?.current_version, 1);
});

Deno.test("simultaneous writes without cas each become a version", async () => {
  const { kit, write } = await withKv();
  await Promise.all(Array.from({ length: 25 }, (_, i) => write("a", `${i}`)));
  const { data } = await kit.ask("read", "kv/metadata/a");
  assertEquals(data?.current_version, 25);
  assertEquals(Object.keys(data?.versions ?? {}).length, 10, "the last ten are kept");
});

Deno.test("versions that are too many are gone from storage too", async () => {
  const { kit, write, read } = await withKv();
  await kit.ask("update", "kv/metadata/a", { data: { max_versions: 3 } });
  for (let i = 1; i <= 8; i++) await write("a", `value ${i}`);
  assertEquals(await read("a", 6), { v: "value 6" });
  assertEquals(await kit.status("read", "kv/data/a", { data: { version: 5 } }), 404);
  const uuid = kit.node.services.mounts.router.at("kv/")?.entry.uuid;
  const kept = await kit.node.services.transactions.run((t) =>
    t.scan(`logical/${uuid}/v2/versions/`, { limit: 100 })
  );
  assertEquals(kept.length, 3);
});

Deno.test("delete can be undone, destroy can't", async () => {
  const { kit, write, read } = await withKv();
  await write("a", "1");
  await kit.ask("delete", "kv/data/a");
  assertEquals(await kit.status("read", "kv/data/a"), 404);
  await kit.ask("update", "kv/undelete/a", { data: { versions: [1] } });
  assertEquals(await read("a"), { v: "1" });
  await kit.ask("update", "kv/destroy/a", { data: { versions: [1] } });
  await kit.ask("update", "kv/undelete/a", { data: { versions: [1] } });
  assertEquals(await kit.status("read", "kv/data/a"), 404);
  const all = await kit.node.services.transactions.run((t) => t.scan("logical/", { limit: 1000 }));
  assert(all.every(({ key }) => !key.includes("/v2/versions/")), "its data is gone");
});

Deno.test("a version ends after its time, and the shorter time holds", async () => {
  const { kit, write, read } = await withKv();
  await kit.ask("update", "kv/config", { data: { delete_version_after: "1h" } });
  await kit.ask("update", "kv/metadata/a", { data: { delete_version_after: "10m" } });
  await write("a", "1");
  await write("b", "1");
  await kit.clock.advance(10 * 60_000 + 1);
  assertEquals(await kit.status("read", "kv/data/a"), 404);
  assertEquals(await read("b"), { v: "1" });
});

Deno.test("numbers keep their digits", async () => {
  const { kit } = await withKv();
  const { parseJson } = await import("../../src/logical/json.ts");
  const text = '{"big":12345678901234567890,"one":1.0,"tiny":1e-9}';
  const data = parseJson(text);
  await kit.ask("update", "kv/data/n", { data: { data } });
  const answer = await kit.ask("read", "kv/data/n");
  assertEquals(JSON.stringify(answer.data?.data), text);
});

Deno.test("names that lie in each other do not touch", async () => {
  const { kit, write, read } = await withKv();
  for (const path of ["a", "a/1", "a/1/2", "1/a", "a/b"]) await write(path, path);
  await kit.ask("delete", "kv/metadata/a");
  assertEquals(await kit.status("read", "kv/data/a"), 404);
  for (const path of ["a/1", "a/1/2", "1/a", "a/b"]) assertEquals(await read(path), { v: path });
});
