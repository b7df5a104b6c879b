import { assertEquals, assertRejects } from "@std/assert";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { Failure } from "../../base/failure.ts";
import { ManualClock } from "../../core/testing/kit.ts";
import { portableProvider } from "../../crypto/portable.ts";
import { testRandom } from "../../crypto/testing.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import { type Transaction, Transactions } from "../../storage/transaction.ts";
import { changeEntry, changes, forgetChanges, undoChange } from "./undo.ts";

const parts = { clock: new ManualClock(), crypto: portableProvider() };

function kit() {
  const storage = new InmemStorage();
  const transactions = new Transactions(storage);
  const run = <T>(body: (t: Transaction) => Promise<T>) => transactions.run(body);
  return {
    storage,
    write: (key: string, value: string | null) =>
      run((t) => changeEntry(t, key, value === null ? null : utf8(value), parts)),
    undo: (force = false) => run((t) => undoChange(t, force, parts)),
    changes: () => run(changes),
    forget: () => run(forgetChanges),
    /** All that is stored but the records. */
    content: () =>
      storage.scan("", { limit: 1000 }).filter(({ key }) => !key.startsWith("core/raw-undo/"))
        .map(({ key, value }) => [key, fromUtf8(value)]),
  };
}

Deno.test("property: whatever was changed, undoing all of it gives what was there", async () => {
  const random = testRandom(5);
  const number = (below: number) => (random.bytes(1)[0] ?? 0) % below;
  for (let round = 0; round < 20; round++) {
    const { storage, write, undo, content } = kit();
    for (const key of ["a", "b/c", "d"]) await storage.write([{ key, value: utf8(`old ${key}`) }]);
    const states: unknown[] = [];
    for (let i = 0; i < 12; i++) {
      states.push(content());
      const key = ["a", "b/c", "d", "e", "b/f"][number(5)] ?? "a";
      await write(key, number(3) === 0 ? null : `new ${number(9)}`);
    }
    for (const state of states.reverse()) {
      await undo();
      assertEquals(content(), state);
    }
    await assertRejects(() => undo(), Failure, "no change");
  }
});

Deno.test("what something else has changed since is taken back only when that is wanted", async () => {
  const { storage, write, undo, content } = kit();
  await storage.write([{ key: "a", value: utf8("1") }]);
  await write("a", "2");
  await storage.write([{ key: "a", value: utf8("3") }]);
  await assertRejects(() => undo(), Failure, "since");
  assertEquals(content(), [["a", "3"]]);
  await undo(true);
  assertEquals(content(), [["a", "1"]]);
});

Deno.test("fifty changes are remembered, and all are forgotten on request", async () => {
  const { storage, write, changes, forget } = kit();
  for (let i = 0; i < 60; i++) await write("a", String(i));
  const kept = await changes();
  assertEquals([kept.length, kept[0]?.key, kept.at(-1)?.existed], [50, "a", true]);
  assertEquals(await forget(), 50);
  assertEquals(storage.scan("core/", { limit: 10 }), []);
});
