import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { utf8 } from "../base/bytes.ts";
import { testRandom } from "../crypto/testing.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { ReadOnlyError } from "../storage/read_only.ts";
import type { Entry, Storage } from "../storage/storage.ts";
import { readSnapshot } from "./read.ts";
import { StateFile } from "./state_file.ts";
import { asynchronous, testMeta } from "./testing.ts";
import { writeSnapshot } from "./write.ts";

/** Folders in folders, values of all sizes, names that sort apart from their UTF-16 form. */
async function content(seed: number): Promise<{ entries: Entry[]; storage: InmemStorage }> {
  const random = testRandom(seed);
  const storage = new InmemStorage();
  const number = (below: number) => (random.bytes(4).reduce((n, b) => n * 256 + b, 0)) % below;
  const names = ["a", "b", "ab", "z~", "é", "\u{1f511}", "\ufffd", "0", "a.b"];
  for (let i = 0; i < 700; i++) {
    const depth = 1 + number(4);
    const parts = Array.from({ length: depth }, () => `${names[number(names.length)]}${number(9)}`);
    const size = i % 60 === 0 ? 200_000 : number(400);
    await storage.write([{ key: parts.join("/"), value: random.bytes(size) }]);
  }
  return { entries: storage.scan("", { limit: 10_000 }), storage };
}

async function opened(folder: string, entries: readonly Entry[]): Promise<StateFile> {
  const { body } = await writeSnapshot(
    folder,
    asynchronous(entries),
    testMeta,
    (sums) => utf8(`${sums}`),
  );
  return await StateFile.open(await readSnapshot(folder, body));
}

async function folders(storage: Storage, prefix = ""): Promise<string[]> {
  const found = [prefix];
  for (const name of await storage.list(prefix)) {
    if (name.endsWith("/")) found.push(...await folders(storage, prefix + name));
  }
  return found;
}

Deno.test("a snapshot's file answers as the storage that it was made of", async () => {
  for (const seed of [1, 2, 3]) {
    const folder = await Deno.makeTempDir();
    const { entries, storage } = await content(seed);
    const file = await opened(folder, entries);
    assertEquals([...Deno.readDirSync(folder)], [], "it has no name that could be left behind");
    for (const { key, value } of entries) assertEquals(await file.get(key), value, key);
    for (const key of ["", "a", "a1/", "zz", "\u{1f511}\0", entries[9]?.key + "x"]) {
      assertEquals(await file.get(key), storage.get(key), key);
    }
    const all = await folders(storage);
    assert(all.length > 50);
    for (const prefix of all) {
      const names = storage.list(prefix);
      assertEquals(await file.list(prefix), names, prefix);
      const after = names[Math.floor(names.length / 2)] ?? "";
      const page = { after, limit: 3 };
      assertEquals(await file.list(prefix, page), storage.list(prefix, page), prefix);
      const [from, before] = [prefix + after, prefix + names.at(-1)];
      for (const options of [{ limit: 7 }, { limit: 9, after: from }, { limit: 99, before }]) {
        assertEquals(await file.scan(prefix, options), storage.scan(prefix, options), prefix);
      }
    }
    await file.close();
  }
});

Deno.test("many may read at once; after the end nobody may, and never is it written", async () => {
  const folder = await Deno.makeTempDir();
  const { entries } = await content(4);
  const file = await opened(folder, entries);
  const values = await Promise.all(entries.map(({ key }) => file.get(key)));
  assertEquals(values, entries.map(({ value }) => value));
  await assertRejects(() => file.write([{ key: "a", value: null }]), ReadOnlyError);
  const reading = file.get(entries[300]?.key ?? "");
  const [, answer] = await Promise.allSettled([file.close(), reading]);
  assert(answer.status === "fulfilled" || answer.reason instanceof Failure);
  await assertRejects(() => file.get("a"), Failure, "unloaded");
  await file.close();
});

Deno.test("a file whose entries are out of order is refused", async () => {
  const folder = await Deno.makeTempDir();
  const entries = [{ key: "b", value: utf8("1") }, { key: "a", value: utf8("2") }];
  await assertRejects(() => opened(folder, entries), Failure, "not in order");
});
