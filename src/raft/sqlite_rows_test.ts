import { strict as assert } from "node:assert";
import { denoDisk } from "./deno_disk.ts";
import type { KvStore, RowReader } from "./disk.ts";
import { inDirectory } from "./testing.ts";

const ids = 40;
const chunkBytes = 60_000;

/** What the second of two chunks of a value holds. */
function chunk(id: number, n: number): Uint8Array {
  return new Uint8Array(n === 0 ? chunkBytes : chunkBytes / 2).fill(id * 2 + n);
}

/** A state file's rows: leaves around `["m"]`, and values with odd numbers missing. */
async function withRows(body: (rows: RowReader, store: KvStore) => Promise<void>): Promise<void> {
  await inDirectory(async (path) => {
    const file = `${path}/state-1.kv`;
    const fill = await denoDisk.fillKv(file);
    for (const low of ["", "b", "c\0d"]) fill.put(["l", low], new TextEncoder().encode(low));
    fill.put(["m"], new Uint8Array(3));
    for (let id = 2; id <= ids; id += 2) {
      for (const n of [0, 1]) fill.put(["v", id, n], chunk(id, n));
    }
    await fill.finish();
    const store = await denoDisk.openKv(file);
    const rows = denoDisk.openRows(file);
    try {
      await body(rows, store);
    } finally {
      rows.close();
      store.close();
    }
  });
}

/** As they can be compared, and told of, in short. */
function told(chunks: readonly Uint8Array[]): string[] {
  return chunks.map((bytes) => `${bytes.length} of ${new Set(bytes).size}: ${bytes[0]}`);
}

/** What `chunks` is to return. */
function expected(id: number): string[] {
  return told([chunk(id, 0), chunk(id, 1)]);
}

/** Bytes that this process has read from files so far. */
function bytesRead(): number {
  const found = /^rchar: (\d+)$/m.exec(Deno.readTextFileSync("/proc/self/io"));
  return Number(found?.[1]);
}

function values(rows: RowReader, order: readonly number[]): string[][] {
  return order.map((id) => told(rows.chunks(id, 2)));
}

const upwards = Array.from({ length: ids / 2 }, (_, i) => (i + 1) * 2);

Deno.test("a value's chunks are found whatever was read before them", async () => {
  await withRows((rows) => {
    rows.pin();
    for (const order of [upwards, upwards.toReversed(), [6, 6, 20, 8, 10, 40, 2]]) {
      assert.deepEqual(values(rows, order), order.map(expected));
    }
    assert.deepEqual(values(rows, [3, 41, 4]), [[], [], expected(4)]);
    assert.deepEqual(values(rows, [4, 6]), [4, 6].map(expected));
    assert.deepEqual(told(rows.chunks(8, 1)), told([chunk(8, 0)]), "no more than asked for");
    assert.deepEqual(values(rows, [10]), [expected(10)]);
    assert.deepEqual(told(rows.chunks(6, 5)), expected(6), "no more than there are");
    assert.deepEqual(values(rows, [8]), [expected(8)]);
    return Promise.resolve();
  });
});

Deno.test("a walk over large values reads each of them once, gaps or not", async () => {
  await withRows((rows) => {
    rows.pin();
    const before = bytesRead();
    values(rows, upwards);
    const share = (bytesRead() - before) / (upwards.length * chunkBytes * 1.5);
    assert.ok(share < 1.5, `${share} times as much as they are`);
    return Promise.resolve();
  });
});

Deno.test("who has not pinned the file reads what was committed since", async () => {
  await withRows(async (rows, store) => {
    assert.deepEqual(told(rows.chunks(2, 1)), told([chunk(2, 0)]));
    await store.commit([{ key: ["v", 4, 0], value: chunk(9, 0) }]);
    assert.deepEqual(told(rows.chunks(4, 1)), told([chunk(9, 0)]));
  });
});

Deno.test("who has pinned the file reads what was there then", async () => {
  await withRows(async (rows, store) => {
    rows.pin();
    // A transaction of SQLite begins with the first read.
    assert.deepEqual(told(rows.chunks(2, 1)), told([chunk(2, 0)]));
    await store.commit([{ key: ["v", 4, 0], value: chunk(9, 0) }]);
    assert.deepEqual(told(rows.chunks(4, 1)), told([chunk(4, 0)]));
  });
});

Deno.test("all leaves are walked over, and nothing that comes after them", async () => {
  await withRows((rows) => {
    assert.deepEqual([...rows.leaves()].map(({ low }) => low), ["", "b", "c\0d"]);
    return Promise.resolve();
  });
});
