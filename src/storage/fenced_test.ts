import { assertEquals, assertRejects } from "@std/assert";
import { utf8 } from "../base/bytes.ts";
import { FencedStorage } from "./fenced.ts";
import { InmemStorage } from "./inmem.ts";
import { NotLeaderError } from "./storage.ts";
import { Transactions } from "./transaction.ts";

Deno.test("what was read in one leadership is not written in the next", async () => {
  const below = new InmemStorage();
  let term = 1;
  const open = () => {
    const opened = term;
    return new Transactions(new FencedStorage(below, () => term === opened));
  };
  const before = open();
  await before.run((transaction) => transaction.put("uses", utf8("1")));
  const late = before.run(async (transaction) => {
    const uses = await transaction.get("uses");
    // Another node leads meanwhile, takes the last use, and leaves the lead to this one again.
    term = 3;
    await open().run((other) => other.delete("uses"));
    transaction.put("uses", uses ?? utf8("0"));
  });
  await assertRejects(() => late, NotLeaderError);
  assertEquals(await below.get("uses"), undefined);
});
