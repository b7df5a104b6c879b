/** What is kept decoded is what is stored, and so is what is known not to be there. */
import { assertEquals, assertRejects } from "@std/assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { EntryCache } from "./cache.ts";
import { InmemStorage } from "./inmem.ts";
import { type Transaction, Transactions } from "./transaction.ts";

function made() {
  const storage = new InmemStorage();
  const transactions = new Transactions(storage);
  const cache = new EntryCache(transactions, 10);
  let decoded = 0;
  const decode = (bytes: Uint8Array) => {
    decoded++;
    return fromUtf8(bytes);
  };
  const read = (key: string) => transactions.run((t) => cache.read(t, key, decode));
  const put = (key: string, text: string) => transactions.run((t) => t.put(key, utf8(text)));
  return { storage, transactions, cache, decode, read, put, count: () => decoded };
}

Deno.test("absence is answered from memory until something is there, and again once it is gone", async () => {
  const { transactions, cache, read, put } = made();
  assertEquals(await read("a"), undefined);
  const { hits } = cache;
  assertEquals(await read("a"), undefined);
  assertEquals(cache.hits, hits + 1);
  await put("a", "1");
  assertEquals(await read("a"), "1");
  await transactions.run((t) => t.delete("a"));
  assertEquals(await read("a"), undefined);
});

Deno.test("absence ends where another node's change is applied, also one that names no key", async () => {
  const { storage, transactions, cache, read } = made();
  assertEquals([await read("a"), await read("b")], [undefined, undefined]);
  await storage.write([{ key: "a", value: utf8("1") }, { key: "b", value: utf8("1") }]);
  transactions.changedElsewhere(["a"]);
  assertEquals(await read("a"), "1");
  cache.clear();
  assertEquals(await read("b"), "1");
});

Deno.test("who read that nothing is there runs again where something came meanwhile", async () => {
  const { transactions, cache, decode, read, put } = made();
  await read("a");
  const seen: (string | undefined)[] = [];
  await transactions.run(async (t) => {
    seen.push(await cache.read(t, "a", decode));
    if (seen.length === 1) await put("a", "1");
    t.put("b", utf8("x"));
  });
  assertEquals(seen, [undefined, "1"]);
});

Deno.test("a transaction's own change is seen where absence is known", async () => {
  const { transactions, cache, decode, read } = made();
  await read("a");
  await transactions.run(async (t) => {
    t.put("a", utf8("own"));
    assertEquals(await cache.read(t, "a", decode), "own");
  });
});

Deno.test("guessed names push out no entry", async () => {
  const { read, put, count } = made();
  await put("a", "1");
  await read("a");
  const before = count();
  for (let i = 0; i < 3000; i++) await read(`guess-${i}`);
  assertEquals(await read("a"), "1");
  assertEquals(count(), before);
});

function putAndKeep(cache: EntryCache, t: Transaction, key: string, text: string): void {
  const value = utf8(text);
  t.put(key, value);
  cache.keep(t, key, value, text);
}

Deno.test("what was put is known decoded once it is durable, and not before", async () => {
  const { transactions, cache, decode, read, count } = made();
  await transactions.run(async (t) => {
    assertEquals(await cache.read(t, "a", decode), undefined);
    putAndKeep(cache, t, "a", "1");
  });
  assertEquals([await read("a"), count()], ["1", 0]);
  const failing = transactions.run((t) => {
    putAndKeep(cache, t, "a", "2");
    throw new Error("no");
  });
  await assertRejects(() => failing, Error, "no");
  assertEquals([await read("a"), count()], ["1", 0]);
});

Deno.test("what was put and then changed or deleted in the same transaction is not kept", async () => {
  const { transactions, cache, read } = made();
  await transactions.run((t) => {
    putAndKeep(cache, t, "a", "1");
    t.put("a", utf8("2"));
    putAndKeep(cache, t, "b", "1");
    t.delete("b");
  });
  assertEquals([await read("a"), await read("b")], ["2", undefined]);
});
