import { strict as assert } from "node:assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { StorageLockedError } from "./errors.ts";
import { inDirectory, openForTest } from "./testing.ts";

Deno.test("what was written is there after a restart", async () => {
  await inDirectory(async (path) => {
    let storage = await openForTest(path);
    const { nodeId } = storage;
    await storage.write([
      { key: "a/b", value: utf8("1") },
      { key: "a/c", value: utf8("2") },
      { key: "big", value: new Uint8Array(1024 * 1024).fill(7) },
    ]);
    await storage.write([{ key: "a/b", value: null }]);
    for (let round = 0; round < 3; round++) {
      assert.equal(await storage.get("a/b"), undefined);
      assert.equal(fromUtf8(await storage.get("a/c") ?? utf8("")), "2");
      assert.equal((await storage.get("big"))?.length, 1024 * 1024);
      assert.deepEqual(await storage.list(""), ["a/", "big"]);
      assert.deepEqual((await storage.scan("a/", { limit: 10 })).map(({ key }) => key), ["a/c"]);
      await storage.close();
      storage = await openForTest(path);
      assert.equal(storage.nodeId, nodeId);
    }
    await storage.close();
  });
});

Deno.test("a directory in use is refused, naming it and the process", async () => {
  await inDirectory(async (path) => {
    const storage = await openForTest(path);
    await assert.rejects(openForTest(path), (error) => {
      return error instanceof StorageLockedError && error.message.includes(path) &&
        error.message.includes(`pid ${Deno.pid}`);
    });
    await storage.write([{ key: "still", value: utf8("works") }]);
    await storage.close();
    await (await openForTest(path)).close();
  });
});

Deno.test("a snapshot is of one moment, however slowly it is read while writes go on", async () => {
  await inDirectory(async (path) => {
    const storage = await openForTest(path, { unflushedBytesMax: 100_000 });
    const value = new Uint8Array(20_000);
    await storage.write([{ key: "a", value }, { key: "b", value }]);
    const pinned = await storage.snapshot();
    assert.equal(pinned.meta.applied.index, storage.appliedIndex);
    const snapshot = pinned.entries();
    assert.equal((await snapshot.next()).value?.key, "a");
    for (let i = 0; i < 20; i++) await storage.write([{ key: `k/${i}`, value }]);
    await storage.write([{ key: "b", value: null }]);
    await storage.compact();
    assert.deepEqual((await snapshot.next()).value, { key: "b", value });
    assert.equal((await snapshot.next()).done, true);
    assert.equal((await storage.list("k/")).length, 20);
    await storage.close();
  });
});

Deno.test("what is stored is answered at once, in memory or not, and so is its absence", async () => {
  await inDirectory(async (path) => {
    let storage = await openForTest(path);
    await storage.write([{ key: "a", value: utf8("1") }]);
    await storage.close();
    storage = await openForTest(path);
    assert.equal((await storage.stats()).cacheBytes, 0, "nothing of it is in memory");
    assert.deepEqual(storage.get("a"), utf8("1"));
    assert.equal(storage.get("none"), undefined);
    await storage.write([{ key: "none", value: utf8("2") }]);
    assert.deepEqual(storage.get("none"), utf8("2"));
    await storage.close();
  });
});

Deno.test("the node keeps its id, and each start is a new term", async () => {
  await inDirectory(async (path) => {
    let storage = await openForTest(path, { nodeId: "node-1" });
    assert.deepEqual([storage.nodeId, storage.term], ["node-1", 1]);
    assert.deepEqual(storage.configuration().members.map(({ id }) => id), ["node-1"]);
    await storage.close();
    storage = await openForTest(path);
    assert.deepEqual([storage.nodeId, storage.term], ["node-1", 2]);
    assert.equal(storage.appliedIndex, storage.commitIndex);
    await storage.close();
  });
});

Deno.test("keys are scanned without their values, in memory and on disk", async () => {
  await inDirectory(async (path) => {
    const storage = await openForTest(path);
    const large = new Uint8Array(20_000);
    await storage.write([{ key: "a/1", value: utf8("1") }, { key: "a/2", value: large }]);
    await storage.flush();
    await storage.write([{ key: "a/1", value: null }, { key: "a/3", value: utf8("3") }]);
    const options = { limit: 10, keysOnly: true };
    const found = await storage.scan("a/", options);
    assert.deepEqual(found.map(({ key, value }) => [key, value.length]), [["a/2", 0], ["a/3", 0]]);
    await storage.close();
  });
});
