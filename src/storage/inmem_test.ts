import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { utf8 } from "../base/bytes.ts";
import { compareKeys } from "../raft/key_order.ts";
import { InmemStorage } from "./inmem.ts";
import { EntryTooLargeError, InvalidKeyError } from "./storage.ts";

async function filled(...keys: string[]): Promise<InmemStorage> {
  const storage = new InmemStorage();
  await storage.write(keys.map((key) => ({ key, value: utf8(key) })));
  return storage;
}

Deno.test("list names children once, folders with a slash, in byte order", async () => {
  const storage = await filled("a", "a/b", "a/c/d", "a!x", "b/é", "b/z", "b/\u{10000}", "b/\uffff");
  assert.deepEqual(storage.list(""), ["a", "a!x", "a/", "b/"]);
  assert.deepEqual(storage.list("a/"), ["b", "c/"]);
  assert.deepEqual(storage.list("b/"), ["z", "é", "\uffff", "\u{10000}"]);
  assert.deepEqual(storage.list("", { after: "a", limit: 1 }), ["a!x"]);
  assert.deepEqual(storage.list("", { after: "a/" }), ["b/"]);
  assert.deepEqual(storage.list("", { after: "a/x" }), ["b/"]);
  assert.deepEqual(storage.list("", { limit: 0 }), []);
});

Deno.test("scan pages through everything below a prefix", async () => {
  const storage = await filled("a", "a/b", "a/c/d", "a/e", "b");
  const keys = (entries: readonly { key: string }[]) => entries.map((entry) => entry.key);
  assert.deepEqual(keys(storage.scan("a/", { limit: 2 })), ["a/b", "a/c/d"]);
  assert.deepEqual(keys(storage.scan("a/", { limit: 9, after: "a/c/d" })), ["a/e"]);
  assert.deepEqual(keys(storage.scan("a/", { limit: 9, before: "a/e" })), ["a/b", "a/c/d"]);
});

Deno.test("a batch over a limit changes nothing and says which key", async () => {
  const storage = new InmemStorage({ maxEntrySize: 10, maxTransactionSize: 20 });
  const big = storage.write([{ key: "a", value: utf8("x") }, {
    key: "b",
    value: new Uint8Array(11),
  }]);
  await assert.rejects(big, (error) => {
    return error instanceof EntryTooLargeError && /"b" has 11 bytes.* 10/.test(error.message);
  });
  assert.equal(storage.get("a"), undefined);
  await assert.rejects(storage.write([{ key: "a/", value: null }]), InvalidKeyError);
  await assert.rejects(storage.write([{ key: "k".repeat(2000), value: null }]), InvalidKeyError);
});

Deno.test("keys order as their UTF-8 bytes do", () => {
  const keys = ["", "a", "a/", "a0", "é", "\uffff", "\u{10000}", "a\u{1f600}", "a\uffee", "\0"];
  for (const a of keys) {
    for (const b of keys) {
      assert.equal(
        Math.sign(compareKeys(a, b)),
        Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))),
        JSON.stringify([a, b]),
      );
    }
  }
});

Deno.test("a folder is listed without walking its sub-folders", async () => {
  const storage = new InmemStorage();
  for (let i = 0; i < 200; i++) {
    const batch = [];
    for (let j = 0; j < 500; j++) batch.push({ key: `f/${i}/${j}`, value: utf8("v") });
    await storage.write(batch);
  }
  const start = performance.now();
  assert.equal(storage.list("f/").length, 200);
  assert.ok(performance.now() - start < 50);
});
