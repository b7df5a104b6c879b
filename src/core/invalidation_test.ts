/** What is kept in memory of a storage that another node writes. */
import { assertEquals, assertRejects } from "@std/assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { portableProvider } from "../crypto/portable.ts";
import { testRandom } from "../crypto/testing.ts";
import { Failure } from "../base/failure.ts";
import { EntryCache } from "../storage/cache.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { ReadOnlyError, ReadOnlyStorage } from "../storage/read_only.ts";
import { Transactions } from "../storage/transaction.ts";
import { Invalidation } from "./invalidation.ts";
import { StateIndex } from "./state_index.ts";

function followed() {
  const physical = new InmemStorage();
  const transactions = new Transactions(new ReadOnlyStorage(physical));
  const cache = new EntryCache(transactions, 10);
  const read = (key: string) => transactions.run((t) => cache.read(t, key, fromUtf8));
  return { physical, transactions, read };
}

Deno.test("a cached value is forgotten as the change is applied", async () => {
  const { physical, transactions, read } = followed();
  const invalidation = new Invalidation(transactions, []);
  await physical.write([{ key: "a", value: utf8("1") }]);
  assertEquals([await read("a"), await read("a")], ["1", "1"]);
  await physical.write([{ key: "a", value: utf8("2") }]);
  invalidation.applied(["a"]);
  assertEquals(await read("a"), "2");
});

Deno.test("who read what is changed meanwhile runs again, and sees one moment", async () => {
  const { physical, transactions } = followed();
  await physical.write([{ key: "a", value: utf8("1") }, { key: "b", value: utf8("1") }]);
  let attempts = 0;
  const seen = await transactions.run(async (t) => {
    const a = fromUtf8(await t.get("a") ?? utf8(""));
    if (attempts++ === 0) {
      await physical.write([{ key: "a", value: utf8("2") }, { key: "b", value: utf8("2") }]);
      transactions.changedElsewhere(attempts === 1 ? undefined : ["a", "b"]);
    }
    return a + fromUtf8(await t.get("b") ?? utf8(""));
  });
  assertEquals([seen, attempts], ["22", 2]);
});

Deno.test("kept state is taken up before anybody is answered, also what changes during it", async () => {
  const { transactions } = followed();
  const held: (() => void)[] = [];
  const kept = {
    name: "test",
    from: ["core/x/"],
    reload: () => new Promise<void>((resolve) => held.push(resolve)),
  };
  const invalidation = new Invalidation(transactions, [kept]);
  invalidation.applied(["core/xy", "logical/a"]);
  assertEquals(invalidation.settle(), undefined);
  invalidation.applied(["core/x/1"]);
  let isSettled = false;
  const settled = invalidation.settle()?.then(() => isSettled = true);
  invalidation.applied(["core/x/2"]);
  held.shift()?.();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([isSettled, held.length], [false, 1]);
  held.shift()?.();
  await settled;
  assertEquals(invalidation.settle(), undefined);
});

Deno.test("kept state that can't be taken up is tried again", async () => {
  const { transactions } = followed();
  let tries = 0;
  const reload = () => ++tries < 2 ? Promise.reject(new Error("no")) : Promise.resolve();
  const invalidation = new Invalidation(transactions, [{ name: "test", from: ["k"], reload }]);
  invalidation.applied(["k"]);
  await assertRejects(async () => await invalidation.settle(), Error, "test could not be taken up");
  await invalidation.settle();
  assertEquals([tries, invalidation.settle()], [2, undefined]);
});

Deno.test("what would be written is refused and changes nothing", async () => {
  const { physical, transactions } = followed();
  await assertRejects(() => transactions.run((t) => t.put("a", utf8("1"))), ReadOnlyError);
  assertEquals(physical.get("a"), undefined);
});

Deno.test("an index that the cluster has written is read, another cluster's is none, a forged one is refused", async () => {
  const transactions = new Transactions(new InmemStorage());
  const random = testRandom(1);
  const index = await transactions.run((t) => StateIndex.open(t, portableProvider(), random));
  const text = index.write("c", 42);
  assertEquals(index.read(text, "c"), 42);
  assertEquals(index.read(`${index.write("c", 7)}, ${text}`, "c"), 42);
  assertEquals(index.read(text, "other"), 0);
  const forged = btoa(atob(text).replaceAll(":42", ":43"));
  for (const bad of [forged, "%", btoa("v1:c:1"), btoa("v2:c:1:1:00"), text.slice(4)]) {
    await assertRejects(async () => await index.read(bad, "c"), Failure, "malformed");
  }
});
