/** A migration goes on where it stopped, and refuses what it would mix or lose. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { STORED_ROOT_KEY } from "../../barrier/physical.ts";
import { type Bytes, fromUtf8, utf8 } from "../../base/bytes.ts";
import { systemClock, systemRandom } from "../../base/clock.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import type { Entry, Write } from "../../storage/storage.ts";
import { migrate, MigrateError, reset } from "./migrate.ts";
import type { MoveStore } from "./store.ts";

/** One that dies at its nth write, half of the batch done if it knows no atomic ones. */
class FakeStore implements MoveStore {
  readonly storage = new InmemStorage();
  writes = 0;
  diesAt = Infinity;

  constructor(readonly label: string, readonly isAtomic = true) {}

  get(key: string): Bytes | undefined {
    return this.storage.get(key);
  }

  async *entries(after: string): AsyncGenerator<Entry> {
    const all = this.storage.scan("", { limit: 1e6, ...(after === "" ? {} : { after }) });
    for (const entry of all) yield await Promise.resolve(entry);
  }

  async write(batch: readonly Write[]): Promise<void> {
    if (++this.writes === this.diesAt) {
      if (!this.isAtomic) await this.storage.write(batch.slice(0, batch.length >> 1));
      throw new Error("killed");
    }
    await this.storage.write(batch);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  all(): [string, string][] {
    return this.storage.scan("", { limit: 1e6 }).map(({ key, value }) => [key, fromUtf8(value)]);
  }
}

async function filled(count = 1234): Promise<FakeStore> {
  const store = new FakeStore("source");
  const batch: Write[] = [{ key: STORED_ROOT_KEY, value: new Uint8Array([1, 2]) }];
  for (let i = 0; i < count; i++) batch.push({ key: `logical/${i}`, value: utf8(`v${i}`) });
  await store.storage.write(batch);
  return store;
}

const runOf = (source: MoveStore, destination: MoveStore, start = "") => ({
  source,
  destination,
  start,
  clock: systemClock,
  random: systemRandom,
  say: () => {},
});

Deno.test("wherever it dies, the next run ends it, and both sides are alike and free", async () => {
  for (const isAtomic of [true, false]) {
    for (let diesAt = 1; diesAt <= 6; diesAt++) {
      const source = await filled();
      const before = source.all();
      const destination = new FakeStore("destination", isAtomic);
      destination.diesAt = diesAt;
      await assertRejects(() => migrate(runOf(source, destination)), Error, "killed");
      assert(source.get("core/migration") !== undefined, "the source stays locked");
      const isFirst = diesAt === 1 && isAtomic;
      assert(isFirst || destination.get("core/migration-progress") !== undefined || diesAt === 1);
      const count = await migrate(runOf(source, destination));
      assertEquals(count, 1235);
      assertEquals(destination.all(), before);
      assertEquals(source.all(), before);
    }
  }
});

Deno.test("a run that died at its very end is ended by the next one", async () => {
  const source = await filled();
  source.diesAt = 2;
  const destination = new FakeStore("destination");
  await assertRejects(() => migrate(runOf(source, destination)), Error, "killed");
  assertEquals(destination.get("core/migration-progress"), undefined);
  assertEquals(await migrate(runOf(source, destination)), 1235);
  assertEquals(source.all(), destination.all());
});

Deno.test("a destination that holds anything, or a part of another migration, is refused", async () => {
  const source = await filled(3);
  const used = new FakeStore("used");
  await used.storage.write([{ key: "a", value: utf8("b") }]);
  await assertRejects(() => migrate(runOf(source, used)), MigrateError, "used is not empty");
  assertEquals(used.all(), [["a", "b"]]);
  assertEquals(source.get("core/migration"), undefined);
  const half = new FakeStore("half");
  half.diesAt = 2;
  await assertRejects(() => migrate(runOf(source, half)), Error, "killed");
  const other = await filled(3);
  await assertRejects(() => migrate(runOf(other, half)), MigrateError, "a part of another");
  assertEquals(await reset(source), true);
  assertEquals(await reset(source), false);
  await assertRejects(() => migrate(runOf(source, half)), MigrateError, "a part of another");
});

Deno.test("what differs at the end is named, and both sides stay closed", async () => {
  const source = await filled(5);
  const destination = new FakeStore("destination");
  const write = destination.write.bind(destination);
  destination.write = (batch) =>
    write(batch.map((one) => one.key === "logical/3" ? { ...one, value: utf8("rot") } : one));
  await assertRejects(() => migrate(runOf(source, destination)), MigrateError, "logical/3");
  assert(source.get("core/migration") !== undefined);
  assert(destination.get("core/migration-progress") !== undefined);
});

Deno.test("an empty source and one of another program are refused; -start takes a part", async () => {
  const destination = new FakeStore("destination");
  const empty = new FakeStore("empty");
  await assertRejects(() => migrate(runOf(empty, destination)), MigrateError, "empty is empty");
  const foreign = new FakeStore("foreign");
  await foreign.storage.write([{ key: STORED_ROOT_KEY, value: new Uint8Array([10, 76]) }]);
  await assertRejects(() => migrate(runOf(foreign, destination)), MigrateError, "operator import");
  assertEquals(destination.all(), []);
  const source = await filled(3);
  await destination.storage.write([{ key: "core/older", value: utf8("x") }]);
  assertEquals(await migrate(runOf(source, destination, "logical/1")), 2);
  assertEquals(destination.all().map(([key]) => key), ["core/older", "logical/1", "logical/2"]);
});
