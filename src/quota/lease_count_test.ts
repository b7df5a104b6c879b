/** A lease count holds from the first request on, though the leases there are have yet to be counted. */
import { assertEquals } from "@std/assert";
import { utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { testClock } from "../crypto/testing.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { Transactions } from "../storage/transaction.ts";
import { Quotas } from "./quotas.ts";

const path = "auth/approle/login";

/** Quotas as they are right after a start, with so many leases in storage and room for so many. */
async function started(leases: number, maxLeases: number) {
  const transactions = new Transactions(new InmemStorage());
  const put = (id: string) =>
    transactions.run((t) => t.put(`sys/expire/id/${id}`, utf8("a lease")));
  for (const other of ["auth/a/login/x", "auth/z/login/x"]) await put(other);
  for (let i = 0; i < leases; i++) await put(`${path}/${String(i).padStart(6, "0")}`);
  const quotas = new Quotas(testClock());
  const rule = { name: "q", path: "auth/approle/", role: "", inheritable: true, maxLeases };
  await transactions.run((t) => quotas.putLeaseCount(t, rule));
  /** Makes a lease as a login does; whether it was let through. */
  const create = (name: string) =>
    transactions.run(async (t) => {
      await quotas.reserveLease(t, { path, mount: "auth/approle/", role: "" });
      const id = `${path}/${name}`;
      t.put(`sys/expire/id/${id}`, utf8("a lease"));
      t.afterCommit(() => quotas.counter.created(id));
      return true;
    }).catch((error) => {
      if (error instanceof Failure && error.status === 429) return false;
      throw error;
    });
  const burst = async (name: string, count: number) => {
    const all = await Promise.all(Array.from({ length: count }, (_, i) => create(`${name}${i}`)));
    return all.filter(Boolean).length;
  };
  const countAll = async () => {
    while (await transactions.run((t) => quotas.counter.countOn(t)));
  };
  return { transactions, quotas, burst, countAll };
}

for (const pages of [0, 1, 2, 5]) {
  Deno.test(`a burst passes no lease count of which ${pages} pages were counted`, async () => {
    const { transactions, quotas, burst, countAll } = await started(1200, 1205);
    for (let i = 0; i < pages; i++) await transactions.run((t) => quotas.counter.countOn(t));
    const first = await burst("n", 40);
    assertEquals(first <= 5, true, `${first} were let through`);
    // Those of a burst may stand in each other's way; what is left is there for the next.
    const second = await burst("m", 1) + await burst("o", 1) + await burst("p", 40);
    assertEquals(first + second <= 5, true, `${first} and ${second} were let through`);
    for (let i = 0; i < 5; i++) await burst(`r${i}`, 1);
    await countAll();
    assertEquals(quotas.counter.count("auth/approle/"), 1205);
    assertEquals(await burst("late", 5), 0);
  });
}

Deno.test("the sum over all paths follows what is counted, made, ended and under way", async () => {
  const { transactions, quotas, countAll } = await started(7, 100);
  const { counter } = quotas;
  await countAll();
  assertEquals(counter.count(""), 9);
  counter.created("auth/a/login/y");
  counter.removed("auth/z/login/x");
  counter.removed("auth/z/login/never-there");
  assertEquals([counter.count(""), counter.count("auth/a/"), counter.count("auth/z/")], [9, 2, 0]);
  await transactions.run((t) => {
    counter.reserve(t, "auth/a/login");
    assertEquals([counter.count(""), counter.count("auth/a/")], [10, 3]);
  });
  assertEquals(counter.count(""), 9);
});
