/** A draft changes nothing until it is taken over, and then all of it. */
import { assertEquals } from "@std/assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { EntryCache } from "./cache.ts";
import { Draft } from "./draft.ts";
import { InmemStorage } from "./inmem.ts";
import { Transactions } from "./transaction.ts";

Deno.test("a draft sees the outer changes; its own are dropped or taken over as a whole", async () => {
  const transactions = new Transactions(new InmemStorage());
  const told: string[] = [];
  await transactions.run(async (outer) => {
    outer.put("a", utf8("outer"));
    const dropped = new Draft(outer);
    assertEquals(fromUtf8(await dropped.get("a") ?? utf8("")), "outer");
    dropped.delete("a");
    dropped.put("b", utf8("gone"));
    dropped.afterCommit(() => told.push("dropped"));
    const kept = new Draft(outer);
    kept.put("c", utf8("kept"));
    kept.afterCommit(() => told.push("kept"));
    assertEquals(await kept.list(""), ["a", "c"]);
    kept.takeOver();
  });
  assertEquals(told, ["kept"]);
  assertEquals(await transactions.run((t) => t.list("")), ["a", "c"]);
});

Deno.test("a cache keeps nothing that a draft or the outer transaction has written", async () => {
  const transactions = new Transactions(new InmemStorage());
  const cache = new EntryCache(transactions, 10);
  const refused = transactions.run(async (outer) => {
    outer.put("a", utf8("never"));
    assertEquals(await cache.read(new Draft(outer), "a", fromUtf8), "never");
    throw new Error("no");
  });
  await refused.catch(() => {});
  assertEquals(await transactions.run((t) => cache.read(t, "a", fromUtf8)), undefined);
});

Deno.test("what a draft has read is validated with the outer transaction", async () => {
  const transactions = new Transactions(new InmemStorage());
  await transactions.run((t) => t.put("a", utf8("1")));
  let runs = 0;
  const seen = await transactions.run(async (outer) => {
    const draft = new Draft(outer);
    const bytes = await draft.get("a");
    if (++runs === 1) await transactions.run((t) => t.put("a", utf8("2")));
    draft.put("b", bytes ?? utf8(""));
    draft.takeOver();
    return fromUtf8(bytes ?? utf8(""));
  });
  assertEquals([runs, seen], [2, "2"]);
});
