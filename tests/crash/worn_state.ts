/** A directory whose state file is mostly free space, and what has to be in it. */
import { strict as assert } from "node:assert";
import type { RaftStorage } from "../../src/raft/mod.ts";

/** Nothing is flushed or tidied up but when it is asked for. */
export const quiet = { flushBytes: 1e9, flushAgeMs: 1e9 };

const keys = Array.from({ length: 1500 }, (_, i) => `worn/${10_000 + i}`);

function valueOf(i: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(i % 100 === 0 ? 150_000 : 1500).fill(i);
}

/** Fills a storage, and empties most of it. */
export async function wear(storage: RaftStorage): Promise<void> {
  for (const isLast of [false, true]) {
    for (let at = 0; at < keys.length; at += 300) {
      await storage.write(
        keys.slice(at, at + 300).map((key, i) => {
          const n = at + i;
          return { key, value: isLast && n % 5 > 0 ? null : valueOf(isLast ? n : n + 1) };
        }),
      );
    }
    await storage.flush();
  }
}

/** Everything is as it was left, and no file is damaged. */
export async function checkWorn(storage: RaftStorage): Promise<void> {
  for (const [n, key] of keys.entries()) {
    assert.deepEqual(await storage.get(key), n % 5 > 0 ? undefined : valueOf(n), key);
  }
  assert.equal((await storage.list("worn/")).length, keys.length / 5);
  assert.deepEqual((await storage.scrub({ pauseMs: 0 })).damages, []);
}
