/** Tokens that come due by the hundred end together, each as a whole, whatever happens meanwhile. */
import { assert, assertEquals } from "@std/assert";
import { settle } from "../../src/core/testing/kit.ts";
import { StorageError, type Write } from "../../src/storage/storage.ts";
import { startNode } from "./kit.ts";
import { MetStorage } from "./met_storage.ts";

type Kit = Awaited<ReturnType<typeof startNode>>;

const families = ["sys/expire/id/", "sys/expire/time/", "sys/token/id/", "sys/token/accessor/"];

/** A storage that may die after so many writes that end leases, and in which a read can be met. */
class EndingStorage extends MetStorage {
  endsLeft = Infinity;

  override async write(batch: readonly Write[]): Promise<void> {
    const ends = batch.some(({ key, value }) => value === null && key.startsWith("sys/expire/id/"));
    if (ends && this.endsLeft-- <= 0) throw new StorageError("the process is gone");
    await super.write(batch);
  }

  async count(prefix: string): Promise<number> {
    return (await this.inner.scan(prefix, { limit: 100_000, keysOnly: true })).length;
  }

  counts(): Promise<number[]> {
    return Promise.all(families.map((prefix) => this.count(prefix)));
  }
}

async function started(): Promise<{ kit: Kit; physical: EndingStorage }> {
  const physical = new EndingStorage();
  return { kit: await startNode({ physical }), physical };
}

async function tokens(kit: Kit, count: number, ttl = "1m"): Promise<string[]> {
  const made: string[] = [];
  for (let i = 0; i < count; i++) made.push(await kit.token({ policies: ["default"], ttl }));
  return made;
}

async function untilQuiet(): Promise<void> {
  for (let i = 0; i < 30; i++) await settle();
}

Deno.test("of an expiry that breaks off each token is there or gone as a whole, and the rest ends later", async () => {
  const { kit, physical } = await started();
  const before = await physical.counts();
  const made = await tokens(kit, 350);
  physical.endsLeft = 2;
  await kit.clock.advance(61_000);
  await untilQuiet();
  const left = (await physical.counts()).map((count, i) => count - (before[i] ?? 0));
  const [some = 0] = left;
  assert(some > 0 && some < 350, `${some} are left`);
  assertEquals(left, [some, some, some, some], "of every index the same");
  for (
    const { key } of await physical.inner.scan("sys/expire/id/auth/token/create/", { limit: 1000 })
  ) {
    const id = key.slice(key.lastIndexOf("/h") + 2);
    assert(await physical.inner.get(`sys/token/id/${id}`) !== undefined, "it has its token");
  }

  await kit.node.seal();
  physical.endsLeft = Infinity;
  await kit.start();
  await kit.clock.advance(1000);
  await untilQuiet();
  assertEquals(await physical.counts(), before);
  for (const token of [made[0], made[349]]) {
    assertEquals(await kit.status("read", "auth/token/lookup-self", { token: token ?? "" }), 403);
  }
});

Deno.test("what hangs on one of many tokens that come due ends with it", async () => {
  const { kit, physical } = await started();
  const before = await physical.counts();
  const made = await tokens(kit, 120);
  const parent = await kit.token({ policies: ["root"], ttl: "1m" });
  const asked = { token: parent, data: { policies: ["default"], ttl: "1m" } };
  const child = (await kit.ask("update", "auth/token/create", asked)).auth?.clientToken ?? "";
  await kit.ask("update", "cubbyhole/x", { token: made[60] ?? "", data: { a: "1" } });
  const cubbyholes = () => physical.count(kit.node.services.revoker.cubbyholePrefix());
  assertEquals(await cubbyholes(), 1);
  await kit.clock.advance(61_000);
  await untilQuiet();
  assertEquals(await physical.counts(), before);
  assertEquals(await physical.count("sys/token/parent/"), 0);
  assertEquals(await cubbyholes(), 0);
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token: child }), 403);
});

Deno.test("a token that gets more time while it is about to be ended lives on", async () => {
  const { kit, physical } = await started();
  const [token = ""] = await tokens(kit, 1);
  const others = await tokens(kit, 20);
  const { transactions, issuer } = kit.node.services;
  const tokenStore = kit.node.services.tokens;
  const { id } = await transactions.run((t) => tokenStore.lookup(t, token)) ?? { id: "" };
  let met = 0;
  physical.onGet = (key) => {
    if (key !== `sys/token/id/${id}` || met++ > 0) return undefined;
    // As by a renewal that was asked for in time, and is durable only now.
    return transactions.run(async (transaction) => {
      const entry = await tokenStore.readHash(transaction, id);
      if (entry !== undefined) await issuer.extend(transaction, entry, 3600);
    });
  };
  await kit.clock.advance(61_000);
  await untilQuiet();
  assert(met > 0, "the expiry has come by");
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 200);
  for (const other of others) {
    assertEquals(await kit.status("read", "auth/token/lookup-self", { token: other }), 403);
  }
  await kit.clock.advance(3_600_000);
  await untilQuiet();
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
});
