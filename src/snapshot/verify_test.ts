/** A backup is opened with its keys, apart from any node, and what does not open is named. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Barrier } from "../barrier/barrier.ts";
import { systemClock, systemRandom } from "../base/clock.ts";
import { toHex, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { silentLogger } from "../base/log.ts";
import { chooseProvider } from "../crypto/choose.ts";
import { sealWrites } from "../seal/stored.ts";
import { ShamirSeal } from "../seal/shamir_seal.ts";
import { splitKey } from "../seal/shares.ts";
import { InmemStorage } from "../storage/inmem.ts";
import type { Entry } from "../storage/storage.ts";
import { countByPrefix, sealOf } from "./inspect.ts";
import { readSnapshot } from "./read.ts";
import { asynchronous, testMeta } from "./testing.ts";
import { verifySnapshot } from "./verify.ts";
import { writeSnapshot } from "./write.ts";

const machine = {
  crypto: chooseProvider(silentLogger),
  clock: systemClock,
  random: systemRandom,
};

/** An initialised storage with a few values, and the shares that open it. */
async function stored(): Promise<{ entries: Entry[]; shares: string[] }> {
  const physical = new InmemStorage();
  const barrier = new Barrier({ physical, ...machine });
  const seal = new ShamirSeal(machine.crypto, machine.random);
  const key = machine.random.bytes(32), rootKey = machine.random.bytes(32);
  seal.setKey(key);
  const config = { type: "shamir", shares: 3, threshold: 2, pgpKeys: [], backup: false };
  await barrier.initialize(rootKey, await sealWrites(seal, rootKey, config));
  await barrier.unseal(rootKey);
  await barrier.write([
    { key: "logical/m1/a", value: utf8("1") },
    { key: "logical/m1/b", value: utf8("22") },
    { key: "sys/policy/p", value: utf8("333") },
  ]);
  const shares = (await splitKey(key, 3, 2)).map(toHex);
  return { entries: await physical.scan("", { limit: 100 }), shares };
}

async function snapshotOf(folder: string, entries: readonly Entry[]) {
  const seal = (sums: Uint8Array<ArrayBuffer>) => sums.slice();
  const { body } = await writeSnapshot(folder, asynchronous(entries), testMeta, seal);
  return await readSnapshot(folder, body);
}

Deno.test("with enough of its keys every entry of a snapshot opens, and is counted", async () => {
  const folder = await Deno.makeTempDir();
  const { entries, shares } = await stored();
  const snapshot = await snapshotOf(folder, entries);
  const { opened, failed, failures } = await verifySnapshot(snapshot, shares.slice(1), machine);
  assertEquals([failed, failures], [0, []]);
  assertEquals(opened.find(({ name }) => name === "logical/m1"), {
    name: "logical/m1",
    count: 2,
    size: 3,
  });
  const { threshold, type } = sealOf(snapshot) ?? {};
  assertEquals([threshold, type], [2, "shamir"]);
  const counted = await countByPrefix(snapshot.entries(), { depth: 1, filter: "logical/" });
  assertEquals(counted.map(({ name, count }) => [name, count]), [["logical", 2]]);
  await snapshot.dispose();
  assertEquals([...Deno.readDirSync(folder)].length, 0);
});

Deno.test("what was moved or damaged before the snapshot was made is named", async () => {
  const folder = await Deno.makeTempDir();
  const { entries, shares } = await stored();
  const value = entries.find(({ key }) => key === "logical/m1/a")?.value;
  assert(value !== undefined);
  const moved = entries.map((entry) => entry.key === "logical/m1/b" ? { ...entry, value } : entry);
  const snapshot = await snapshotOf(folder, moved);
  const { failed, failures } = await verifySnapshot(snapshot, shares, machine);
  assertEquals([failed, failures.map(({ key }) => key)], [1, ["logical/m1/b"]]);
  await snapshot.dispose();
});

Deno.test("too few keys and wrong keys are refused", async () => {
  const folder = await Deno.makeTempDir();
  const { entries, shares } = await stored();
  const snapshot = await snapshotOf(folder, entries);
  const wrong = (await stored()).shares;
  await assertRejects(() => verifySnapshot(snapshot, shares.slice(0, 1), machine), Failure);
  await assertRejects(() => verifySnapshot(snapshot, wrong, machine), Failure);
  await snapshot.dispose();
});
