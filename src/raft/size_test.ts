/** Files shrink again: a million entries that came and went leave less than twice what lives. */
import { strict as assert } from "node:assert";
import type { Bytes } from "../base/bytes.ts";
import type { RaftStorage } from "./mod.ts";
import { inDirectory, openForTest } from "./testing.ts";

const isSlow = Deno.env.get("HOLDFAST_SLOW") === "1";
const total = isSlow ? 1_000_000 : 30_000;
const living = isSlow ? 20_000 : 3000;

async function bytesBelow(path: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    const child = `${path}/${name}`;
    if (isDirectory) bytes += await bytesBelow(child);
    else if (!name.endsWith("-shm")) bytes += (await Deno.stat(child)).size;
  }
  return bytes;
}

/** Entries in the way of leases: ordered by time, each gone when `living` others came after it. */
async function churn(storage: RaftStorage): Promise<number> {
  const value = crypto.getRandomValues(new Uint8Array(300));
  const key = (i: number) => `sys/expire/id/${String(i).padStart(9, "0")}/${(i * 7919) % 100003}`;
  const each = 250;
  let waiting: Promise<void>[] = [];
  for (let i = 0; i < total; i += each) {
    const batch = Array.from({ length: each }, (_, n) => ({ key: key(i + n), value }));
    const gone = i < living ? [] : Array.from({ length: each }, (_, n) => {
      return { key: key(i + n - living), value: null };
    });
    waiting.push(storage.write([...batch, ...gone]));
    if (waiting.length === 16) {
      await Promise.all(waiting);
      waiting = [];
    }
  }
  await Promise.all(waiting);
  return living * (value.length + key(0).length);
}

Deno.test(`${total} short-lived entries end under twice the size of what lives`, async () => {
  await inDirectory(async (path) => {
    let storage = await openForTest(path, isSlow ? {} : { flushBytes: 1_000_000 });
    const live = await churn(storage);
    await storage.compact();
    const running = await bytesBelow(path);
    const { liveEntries, liveBytes } = await storage.stats();
    assert.equal(liveEntries, living);
    assert.ok(Math.abs(liveBytes - live) < live / 10);
    await storage.close();
    const closed = await bytesBelow(path);
    console.log(`live ${live}, on disk ${running} while running, ${closed} when closed`);
    assert.ok(closed < 2 * live + 1_000_000, `${closed} bytes on disk for ${live}`);
    storage = await openForTest(path);
    assert.deepEqual((await storage.scrub({ pauseMs: 0 })).damages, []);
    await storage.close();
  });
});

Deno.test("a flush that empties very many leaves stays within what one commit may name", async () => {
  await inDirectory(async (path) => {
    // Nothing flushes by itself, so that one flush meets all the deletions.
    const limits = { flushBytes: 1e9, unflushedBytesMax: 2e9, logBytesMax: 1e9 };
    const storage = await openForTest(path, limits);
    const keys = Array.from(
      { length: 24_000 },
      (_, i) => `sys/expire/id/auth/token/create/${String(i).padStart(8, "0")}/${"k".repeat(150)}`,
    );
    const value = new Uint8Array(300).fill(7);
    const inBatches = async (of: (key: string) => { key: string; value: Bytes | null }) => {
      for (let at = 0; at < keys.length; at += 500) {
        await storage.write(keys.slice(at, at + 500).map(of));
      }
      await storage.flush();
    };
    await inBatches((key) => ({ key, value }));
    await inBatches((key) => ({ key, value: null }));
    assert.deepEqual(await storage.scan("", { limit: 10 }), []);
    await storage.close();
    const again = await openForTest(path);
    assert.deepEqual(await again.scan("", { limit: 10 }), []);
    await again.close();
  });
});

Deno.test("a log of two segments ends small as well, once all of it is in the state file", async () => {
  await inDirectory(async (path) => {
    const storage = await openForTest(path, { segmentBytes: 600_000, flushBytes: 1e9 });
    for (const key of ["a", "b"]) await storage.write([{ key, value: new Uint8Array(700_000) }]);
    assert.equal((await storage.stats()).logSegments, 2);
    await storage.compact();
    const { logSegments, logBytes } = await storage.stats();
    assert.equal(logSegments, 1);
    assert.ok(logBytes < 200_000, `${logBytes} bytes of log`);
    await storage.write([{ key: "c", value: new Uint8Array(1) }]);
    await storage.close();
    const again = await openForTest(path);
    assert.deepEqual(await again.list(""), ["a", "b", "c"]);
    await again.close();
  });
});
