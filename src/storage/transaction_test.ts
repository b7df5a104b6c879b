/** What a transaction promises: all or nothing, and as if there were no other. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { testRandom } from "../crypto/testing.ts";
import { InmemStorage } from "./inmem.ts";
import type { Entry, ListOptions, ScanOptions, Storage, Write } from "./storage.ts";
import { Transactions } from "./transaction.ts";

/** A storage that takes its time, so that requests overlap. */
class SlowStorage implements Storage {
  readonly inner = new InmemStorage();
  failNext = false;

  async #pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  async get(key: string) {
    await this.#pause();
    return await this.inner.get(key);
  }
  async list(prefix: string, options?: ListOptions): Promise<string[]> {
    await this.#pause();
    return await this.inner.list(prefix, options);
  }
  async scan(prefix: string, options: ScanOptions): Promise<Entry[]> {
    await this.#pause();
    return await this.inner.scan(prefix, options);
  }
  async write(batch: readonly Write[]): Promise<void> {
    await this.#pause();
    if (this.failNext) {
      this.failNext = false;
      throw new Error("the disk said no");
    }
    await this.inner.write(batch);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}

async function number(transactions: Transactions, key: string): Promise<number> {
  const bytes = await transactions.storage.get(key);
  return bytes === undefined ? 0 : Number(fromUtf8(bytes));
}

Deno.test("simultaneous increments of one key all count", async () => {
  const transactions = new Transactions(new SlowStorage());
  const increment = () =>
    transactions.run(async (t) => {
      const bytes = await t.get("n");
      t.put("n", utf8(String((bytes === undefined ? 0 : Number(fromUtf8(bytes))) + 1)));
    });
  await Promise.all(Array.from({ length: 100 }, increment));
  assertEquals(await number(transactions, "n"), 100);
});

Deno.test("money moved between accounts is neither made nor lost, and never seen missing", async () => {
  const transactions = new Transactions(new SlowStorage());
  const random = testRandom(7);
  const accounts = ["a", "b", "c", "d"];
  await transactions.run((t) => accounts.forEach((name) => t.put(`acc/${name}`, utf8("100"))));
  const pick = () => accounts[(random.bytes(1)[0] ?? 0) % accounts.length] ?? "a";
  const move = async () => {
    const [from, to] = [pick(), pick()];
    await transactions.run(async (t) => {
      const read = async (name: string) =>
        Number(fromUtf8(await t.get(`acc/${name}`) ?? utf8("0")));
      t.put(`acc/${from}`, utf8(String(await read(from) - 1)));
      t.put(`acc/${to}`, utf8(String(await read(to) + 1)));
    });
  };
  const look = async () => {
    const total = await transactions.run(async (t) => {
      let sum = 0;
      for (const name of accounts) sum += Number(fromUtf8(await t.get(`acc/${name}`) ?? utf8("0")));
      return sum;
    });
    assertEquals(total, 400);
  };
  await Promise.all(Array.from({ length: 60 }, (_, i) => i % 3 === 0 ? look() : move()));
  await look();
});

Deno.test("a list is part of what is read: two that see a folder empty can't both fill it", async () => {
  const transactions = new Transactions(new SlowStorage());
  const claim = (name: string) =>
    transactions.run(async (t) => {
      if ((await t.list("seats/")).length > 0) return false;
      t.put(`seats/${name}`, utf8(name));
      return true;
    });
  const got = await Promise.all(["x", "y", "z"].map(claim));
  assertEquals(got.filter((g) => g).length, 1);
});

Deno.test("a long list ends although what it lists never stands still", async () => {
  const transactions = new Transactions(new InmemStorage());
  let isOver = false;
  let changes = 0;
  const change = async () => {
    while (!isOver && changes < 10_000) {
      await transactions.run((t) => t.put(`many/${changes++}`, utf8("x")));
    }
  };
  const changing = change();
  await transactions.run(async (t) => {
    await t.list("many/");
    for (let i = 0; i < 20; i++) await Promise.resolve();
  });
  isOver = true;
  await changing;
  assert(changes < 1000, `it ended after ${changes} changes`);
});

Deno.test("a list of thousands is put together once, a short one until nothing has changed", async () => {
  for (const [count, most] of [[2000, 1], [20, 3]] as const) {
    const transactions = new Transactions(new InmemStorage());
    await transactions.run((t) => {
      for (let i = 0; i < count; i++) t.put(`many/${i}`, utf8("x"));
    });
    let runs = 0;
    const names = await transactions.run(async (t) => {
      const names = await t.list("many/");
      if (++runs < 3) await transactions.run((other) => other.put(`many/more${runs}`, utf8("x")));
      return names;
    });
    assertEquals(runs, most);
    assert(names.length >= count);
  }
});

Deno.test("who also changes something runs again for as long as it takes", async () => {
  const transactions = new Transactions(new InmemStorage());
  const count = async () => {
    await transactions.run(async (t) => {
      const { length } = await t.list("seats/");
      for (let i = 0; i < 20; i++) await Promise.resolve();
      t.put(`seats/${length}`, utf8("x"));
    });
  };
  await Promise.all(Array.from({ length: 30 }, count));
  assertEquals((await transactions.storage.list("seats/")).length, 30, "none took another's seat");
});

Deno.test("a body that throws changes nothing", async () => {
  const transactions = new Transactions(new InmemStorage());
  await assertRejects(() =>
    transactions.run((t) => {
      t.put("k", utf8("v"));
      throw new Error("no");
    })
  );
  assertEquals(await transactions.storage.get("k"), undefined);
});

Deno.test("a write that fails is told to its own request only", async () => {
  const storage = new SlowStorage();
  const transactions = new Transactions(storage);
  storage.failNext = true;
  const first = transactions.run((t) => t.put("a", utf8("1")));
  await assertRejects(() => first, Error, "the disk said no");
  await transactions.run((t) => t.put("b", utf8("2")));
  assertEquals(await storage.inner.get("a"), undefined);
  assert(await storage.inner.get("b") !== undefined);
});

Deno.test("a transaction sees its own changes in gets, lists and scans", async () => {
  const transactions = new Transactions(new InmemStorage());
  await transactions.run((t) => {
    for (const key of ["f/a", "f/b/1", "f/b/2", "f/c"]) t.put(key, utf8(key));
  });
  await transactions.run(async (t) => {
    t.delete("f/a");
    t.delete("f/b/1");
    t.put("f/d/e", utf8("new"));
    t.put("f/c", utf8("changed"));
    assertEquals(await t.get("f/a"), undefined);
    assertEquals(await t.list("f/"), ["b/", "c", "d/"]);
    t.delete("f/b/2");
    assertEquals(await t.list("f/"), ["c", "d/"]);
    const scanned = await t.scan("f/", { limit: 10 });
    assertEquals(scanned.map(({ key, value }) => [key, fromUtf8(value)]), [
      ["f/c", "changed"],
      ["f/d/e", "new"],
    ]);
    const view = t.within("f/");
    assertEquals(fromUtf8(await view.get("c") ?? utf8("")), "changed");
    assertEquals((await view.scan("", { limit: 1, after: "c" })).map(({ key }) => key), ["d/e"]);
  });
});

Deno.test("what runs after the commit runs once, and not after a failure", async () => {
  const storage = new SlowStorage();
  const transactions = new Transactions(storage);
  let ran = 0;
  await transactions.run((t) => {
    t.put("k", utf8("v"));
    t.afterCommit(() => ran++);
  });
  storage.failNext = true;
  await assertRejects(() =>
    transactions.run((t) => {
      t.put("k", utf8("w"));
      t.afterCommit(() => ran++);
    })
  );
  assertEquals(ran, 1);
});

Deno.test("who loses against a write that was refused early lets the earlier ones end", async () => {
  const inner = new InmemStorage();
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const storage: Storage = {
    get: (key) => inner.get(key),
    list: (prefix, options) => inner.list(prefix, options),
    scan: (prefix, options) => inner.scan(prefix, options),
    async write(batch) {
      if (batch.some(({ key }) => key === "b")) throw new Error("refused at once");
      await gate;
      await inner.write(batch);
    },
    close: () => inner.close(),
  };
  const transactions = new Transactions(storage);
  const slow = transactions.run((transaction) => transaction.put("a", utf8("1")));
  const refused = transactions.run((transaction) => transaction.put("b", utf8("1")));
  await assertRejects(() => refused, Error, "refused at once");
  const read = transactions.run((transaction) => transaction.get("b"));
  setTimeout(letGo, 5);
  assertEquals(await read, undefined);
  await slow;
});

Deno.test("who waits for the others waits for those that run, and for no later ones", async () => {
  const transactions = new Transactions(new SlowStorage());
  const held = Promise.withResolvers<void>();
  const first = transactions.run(async (transaction) => {
    await held.promise;
    transaction.put("first", utf8("1"));
  });
  let isDone = false;
  const ended = transactions.othersEnded().then(() => isDone = true);
  await transactions.run((transaction) => transaction.put("second", utf8("2")));
  assert(!isDone, "the first one still runs");
  const later = Promise.withResolvers<void>();
  const third = transactions.run(() => later.promise);
  held.resolve();
  await ended;
  assertEquals(await transactions.storage.get("first"), utf8("1"));
  later.resolve();
  await Promise.all([first, third]);
});
