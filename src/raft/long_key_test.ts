/** Keys that are too long to be stored are nowhere; asking for them is no damage. */
import { strict as assert } from "node:assert";
import { inDirectory, openForTest } from "./testing.ts";
import { KEY_BYTES_MAX, searchKey } from "./keys.ts";

Deno.test("reads, lists and scans beyond the longest key find what is there, from the file too", async () => {
  await inDirectory(async (path) => {
    const value = new Uint8Array([1]);
    const longest = "b".repeat(KEY_BYTES_MAX);
    const before = await openForTest(path);
    await before.write(["a/1", "a/c", longest, "c"].map((key) => ({ key, value })));
    await before.flush();
    await before.close();
    const storage = await openForTest(path);
    try {
      for (const odd of ["b".repeat(5000), "é".repeat(3000), "\0".repeat(2000), "😀".repeat(900)]) {
        assert.equal(await storage.get(odd), undefined);
        assert.equal(await storage.get(`a/${odd}`), undefined);
        assert.deepEqual(await storage.list(`${odd}/`), []);
        assert.deepEqual(await storage.scan(`a/${odd}`, { limit: 5 }), []);
      }
      assert.deepEqual(await storage.list("a/", { after: "b".repeat(5000) }), ["c"]);
      const [next] = await storage.scan("", { after: "b".repeat(5000), limit: 1 });
      assert.equal(next?.key, "c");
      assert.deepEqual(await storage.get(longest), value);
    } finally {
      await storage.close();
    }
  });
});

Deno.test("a search key lies where its original does among all keys that can be stored", () => {
  const stored = ["a", "b", "b".repeat(KEY_BYTES_MAX), "c", "é".repeat(KEY_BYTES_MAX / 2), "\0"];
  for (const key of ["b".repeat(4000), "b".repeat(1899) + "é".repeat(900), "\0".repeat(4000)]) {
    const short = searchKey(key);
    assert(new TextEncoder().encode(short).length < 2040);
    for (const other of stored) assert.equal(other < short, other < key, other.slice(0, 9));
  }
});
