/** Entries as files: Vault's layout, keys in order, nothing of ours left behind. */
import { assertEquals, assertRejects } from "@std/assert";
import { utf8 } from "../base/bytes.ts";
import { FileStore } from "./file.ts";
import { CorruptionError, InvalidKeyError, StorageLockedError } from "./storage.ts";

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("a value is a file with an underscore in front, and comes back", async () => {
  await using folder = await scratch();
  const store = await FileStore.open(`${folder.path}/data`);
  await assertRejects(() => FileStore.open(`${folder.path}/data`), StorageLockedError);
  const keys = ["core/mounts", "core/mounts-x", "core/mounts/a", "logical/z", "logical/ü x/y.new"];
  for (const key of keys.toReversed()) await store.put(key, utf8(key));
  await store.put("core/mounts", new Uint8Array([0, 255]));
  assertEquals(await Array.fromAsync(store.keys()), keys);
  assertEquals(await store.get("core/mounts"), new Uint8Array([0, 255]));
  assertEquals(await store.get("core/none"), undefined);
  await store.delete("core/mounts-x");
  await store.delete("core/mounts-x");
  await store.close();
  assertEquals(
    await Deno.readTextFile(`${folder.path}/data/core/_mounts`),
    '{"Value":"AP8="}\n',
  );
  const names = await Array.fromAsync(Deno.readDir(`${folder.path}/data`));
  assertEquals(names.map(({ name }) => name).sort(), ["core", "logical"]);
});

Deno.test("a key that is no path, and a file that is none of ours, are errors", async () => {
  await using folder = await scratch();
  const store = await FileStore.open(folder.path);
  for (const key of ["../x", "a//b", "", "a/", "a/./b", "a\0b"]) {
    await assertRejects(() => store.put(key, utf8("x")), InvalidKeyError);
  }
  for (const content of ["", "{", "{}", '{"Value":"?"}', "[]"]) {
    await Deno.writeTextFile(`${folder.path}/_x`, content);
    await assertRejects(() => store.get("x"), CorruptionError, "_x is damaged");
  }
  await store.close();
});
