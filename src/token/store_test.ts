/** Where tokens lie, and that each is found whatever the form of its name. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { portableProvider } from "../crypto/portable.ts";
import { testClock, testRandom } from "../crypto/testing.ts";
import { EntryCache } from "../storage/cache.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { Transactions } from "../storage/transaction.ts";
import { neutralToken } from "./entry.ts";
import { type MadeToken, type NewToken, TokenStore } from "./store.ts";
import { timedBase62, timeOfText } from "./text.ts";

const spec: NewToken = {
  ...neutralToken,
  policies: ["default"],
  path: "auth/token/create",
  displayName: "token",
  expireTime: 0,
  ttl: 0,
  renewable: true,
};

/** A store whose nodes do or don't all know names with the time in them, as the test says. */
async function opened(seed: number) {
  const transactions = new Transactions(new InmemStorage());
  const clock = testClock();
  const form = { timed: true };
  const store = await transactions.run((transaction) =>
    TokenStore.open(
      transaction,
      portableProvider(),
      clock,
      testRandom(seed),
      new EntryCache(transactions, 100),
      {
        alone: () => true,
        timed: () => form.timed,
        sparse: () => form.timed,
        counted: () => false,
        leaseEnds: () => false,
      },
    )
  );
  const make = (text?: string): Promise<MadeToken> =>
    transactions.run((transaction) => Promise.resolve(store.create(transaction, spec, text)));
  const find = (token: string) =>
    transactions.run(async (transaction) => (await store.lookup(transaction, token))?.accessor);
  const findByAccessor = (accessor: string) =>
    transactions.run(async (transaction) =>
      (await store.lookupAccessor(transaction, accessor))?.id
    );
  const remove = (...made: readonly MadeToken[]) =>
    transactions.run((transaction) => {
      store.remove(transaction, ...made.map(({ entry }) => entry));
      return Promise.resolve();
    });
  const keys = () =>
    transactions.run(async (transaction) =>
      (await transaction.scan("sys/token/", { limit: 10_000, keysOnly: true })).map(({ key }) =>
        key
      )
    );
  return { clock, form, make, find, findByAccessor, remove, keys };
}

Deno.test("a token of any form is found by its text and its accessor, and leaves nothing", async () => {
  const { clock, form, make, find, findByAccessor, remove, keys } = await opened(1);
  const made: MadeToken[] = [];
  for (let i = 0; i < 200; i++) {
    clock.advance(7_919 * i);
    // Before all nodes know the form, and after; chosen texts that look like any other, or don't.
    form.timed = i % 3 > 0;
    const texts = [
      `hvs.${"0aZ9".repeat(6).slice(0, 22)}${String(i % 62).padStart(2, "0")}`,
      `own-${i}`,
    ];
    made.push(await make(i % 5 === 0 ? texts[i % 2] : undefined));
  }
  for (const { token, entry } of made) {
    assertEquals(await find(token), entry.accessor);
    assertEquals(await findByAccessor(entry.accessor), entry.id);
    assertEquals(entry.id.length, 64);
  }
  assertEquals(new Set(made.map(({ entry }) => entry.id)).size, made.length);
  await remove(...made);
  assertEquals(await keys(), ["sys/token/salt"]);
  for (const { token } of made) assertEquals(await find(token), undefined);
});

Deno.test("a text that differs in any character finds nothing", async () => {
  const { make, find } = await opened(2);
  const { token } = await make();
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === "x" ? "y" : "x";
    assertEquals(await find(token.slice(0, at) + other + token.slice(at + 1)), undefined);
  }
  for (const text of ["", "hvs.", `${token}0`, token.slice(0, -1), token.slice(4)]) {
    assertEquals(await find(text), undefined);
  }
});

Deno.test("tokens that are made together lie together, with their accessors", async () => {
  const { clock, make, keys } = await opened(3);
  const rounds: string[][] = [];
  for (let round = 0; round < 20; round++) {
    clock.advance(16);
    const made: string[] = [];
    for (let i = 0; i < 10; i++) made.push((await make()).entry.id);
    rounds.push(made);
  }
  const stored = (await keys()).filter((key) => key.startsWith("sys/token/id/"));
  assertEquals(
    stored.map((key) => key.slice("sys/token/id/".length)),
    rounds.flatMap((ids) => ids.toSorted()),
  );
  const ages = (await keys()).filter((key) => key.startsWith("sys/token/accessor/"));
  const times = ages.map((key) => key.slice("sys/token/accessor/".length, -55));
  assertEquals(times, stored.map((key) => key.slice("sys/token/id/".length, -55)));
});

Deno.test("while a node does not know such names, none is written", async () => {
  const { form, make } = await opened(4);
  form.timed = false;
  assert(/^[0-9a-f]{64}$/.test((await make()).entry.id));
  form.timed = true;
  assert(/^t[0-9a-f]{63}$/.test((await make()).entry.id));
  assert(/^[0-9a-f]{64}$/.test((await make("chosen")).entry.id), "a chosen text has no time");
});

Deno.test("a text tells the time it was made at, also when the count comes round", () => {
  const random = testRandom(5);
  const tick = 16, count = 62 ** 5;
  for (const at of [0, 1, 15, 16, 17, 1e12, 1_795_809_434_369, tick * count - 1, tick * count]) {
    const text = timedBase62({ ...testClock(at) }, random, 24);
    assertEquals(text.length, 24);
    assertEquals(timeOfText(text), (Math.floor(at / tick) % count).toString(16).padStart(8, "0"));
  }
  assertEquals(timeOfText("0000-xxxx"), undefined);
  assertEquals(timeOfText("0000"), undefined);
  const [one, other] = [0, 0].map(() => timedBase62(testClock(7), random, 24));
  assertNotEquals(one, other);
});
