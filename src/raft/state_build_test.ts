/** A state file that is built from a snapshot's entries is one like any other. */
import { Buffer } from "node:buffer";
import { strict as assert } from "node:assert";
import { sameBytes } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import { eventLoopTurn } from "../base/turn.ts";
import { denoDisk } from "./deno_disk.ts";
import { entryDigest, nodeSha256, SetHash } from "./digest.ts";
import type { Disk } from "./disk.ts";
import { EntryTooLargeError, StorageFullError } from "./errors.ts";
import { DEFAULT_LIMITS } from "./keys.ts";
import { PinnedState } from "./pinned_state.ts";
import type { StoredEntry } from "./state.ts";
import { StateBuild } from "./state_build.ts";
import { StateFile } from "./state_file.ts";
import { inDirectory, seeded } from "./testing.ts";

const settings = { ...DEFAULT_LIMITS, clock: systemClock, turn: eventLoopTurn };

function optionsFor(path: string, disk: Disk = denoDisk) {
  return { path: `${path}/state-7.kv`, sha256: nodeSha256, leafCacheBytes: 100_000, disk };
}

async function build(
  path: string,
  entries: Iterable<StoredEntry>,
  disk: Disk = denoDisk,
): Promise<StateFile> {
  const begun = await StateBuild.begin(optionsFor(path, disk), "the members");
  return await begun.fill(entries, settings);
}

/** Keys of any kind and values of any size, in the order of their keys. */
function content(seed: number): StoredEntry[] {
  const draw = seeded(seed);
  const letters = ["a", "b", "/", "\0", "é", "\uffff", "😀", "%"];
  const values = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let i = 0; i < 400; i++) {
    let key = `${i % 7}/`;
    for (let n = draw(30); n >= 0; n--) key += letters[draw(letters.length)];
    const length = draw(8) === 0 ? draw(200_000) : draw(500);
    values.set(`${key}x`, new Uint8Array(length).fill(i));
  }
  const order = (a: string, b: string) => {
    const x = new TextEncoder().encode(a), y = new TextEncoder().encode(b);
    const at = x.findIndex((byte, i) => byte !== y[i]);
    return at < 0 ? x.length - y.length : (x[at] ?? 0) - (y[at] ?? -1);
  };
  return [...values].map(([key, value]) => ({ key, value })).sort((a, b) => order(a.key, b.key));
}

async function holds(file: StateFile, expected: readonly StoredEntry[]): Promise<void> {
  const hash = new SetHash();
  for (const { key, value } of expected) hash.add(entryDigest(nodeSha256, key, value));
  assert.deepEqual(Buffer.from(file.meta.hash), Buffer.from(hash.toBytes()));
  assert.equal(file.meta.entries, expected.length);
  const bytes = expected.reduce(
    (sum, { key, value }) => sum + new TextEncoder().encode(key).length + value.length,
    0,
  );
  assert.equal(file.meta.bytes, bytes);
  const found: StoredEntry[] = [];
  for await (
    const entry of new PinnedState(file, { clock: systemClock, readTurn: eventLoopTurn }).entries()
  ) found.push(entry);
  assert.deepEqual(found.map(({ key }) => key), expected.map(({ key }) => key));
  assert.ok(
    found.every(({ value }, i) => sameBytes(value, expected[i]?.value ?? new Uint8Array(1))),
  );
  // And by way of Deno KV, leaf by leaf.
  let low: string | undefined = "";
  const digests = new SetHash();
  while (low !== undefined) {
    const leaf = await file.leafOnDisk(low);
    assert.equal(leaf.low, low);
    for (const digest of await file.digests(leaf)) digests.add(digest);
    low = leaf.high;
  }
  assert.deepEqual(digests.toBytes(), hash.toBytes());
}

for (let seed = 1; seed <= 3; seed++) {
  Deno.test(`what comes in order is there, and after the next start too (${seed})`, async () => {
    await inDirectory(async (path) => {
      const entries = content(seed);
      const file = await build(path, entries);
      await holds(file, entries);
      assert.equal(file.meta.configuration, "the members");
      await file.commit([], [], { ...file.meta, configuration: "others" });
      file.close();
      const again = await StateFile.open(optionsFor(path));
      assert.equal(again.meta.configuration, "others");
      await holds(again, entries);
      again.close();
    });
  });
}

Deno.test("of what comes in any order the later of two for one key counts", async () => {
  await inDirectory(async (path) => {
    const entries = content(4);
    const before = entries.filter((_, i) => i % 3 === 0)
      .map(({ key }) => ({ key, value: new Uint8Array(5000) }));
    const mixed = [...before, ...entries.toReversed()];
    const file = await build(path, mixed);
    await holds(file, entries);
    file.close();
  });
});

Deno.test("nothing at all makes an empty file", async () => {
  await inDirectory(async (path) => {
    const file = await build(path, []);
    await holds(file, []);
    assert.deepEqual((await file.leafFor("a")).keys, []);
    file.close();
  });
});

Deno.test("an entry that can't be stored ends it, and the file can be removed and built anew", async () => {
  await inDirectory(async (path) => {
    const entries = content(5);
    const large = { key: "~", value: new Uint8Array(DEFAULT_LIMITS.maxEntrySize + 1) };
    await assert.rejects(build(path, [...entries, large]), EntryTooLargeError);
    await denoDisk.removeKv(`${path}/state-7.kv`);
    await assert.rejects(build(path, [...entries.toReversed(), large]), EntryTooLargeError);
    await denoDisk.removeKv(`${path}/state-7.kv`);
    const file = await build(path, entries);
    await holds(file, entries);
    file.close();
  });
});

Deno.test("a disk that gets full while it is filled is told as that", async () => {
  await inDirectory(async (path) => {
    let left = 20;
    const disk: Disk = {
      ...denoDisk,
      async fillKv(path) {
        const rows = await denoDisk.fillKv(path);
        return {
          put(key, value) {
            if (left-- === 0) throw new Error("database or disk is full");
            rows.put(key, value);
          },
          finish: () => rows.finish(),
          abandon: () => rows.abandon(),
        };
      },
    };
    await assert.rejects(build(path, content(6), disk), StorageFullError);
  });
});
