/** Random operations against a plain map, with flushes, compactions and restarts in between. */
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import type { Bytes } from "../base/bytes.ts";
import type { RaftStorage } from "./mod.ts";
import { inDirectory, openForTest, seeded } from "./testing.ts";

const SMALL = {
  flushBytes: 60_000,
  segmentBytes: 100_000,
  cacheBytes: 20_000,
  logBytesMax: 200_000,
  unflushedBytesMax: 20_000_000,
  maxEntrySize: 200_000,
};

type Model = Map<string, Bytes>;
type Draw = (bound: number) => number;

const bytesOf = (text: string) => Buffer.from(text);
const byBytes = (a: string, b: string) => Buffer.compare(bytesOf(a), bytesOf(b));

function randomKey(draw: Draw): string {
  const parts = ["a", "b", "é", "\u{1f600}", "\uffee", "sys", "x".repeat(400), "0", "a!"];
  const depth = 1 + draw(3);
  const names = Array.from({ length: depth }, () => parts[draw(parts.length)] ?? "");
  return [...names, `${draw(60)}`].join("/");
}

function randomValue(draw: Draw): Bytes {
  const sizes = [0, 10, 300, 300, 300, 3000, 5000, 70_000, 150_000];
  return new Uint8Array(sizes[draw(sizes.length)] ?? 0).fill(draw(256));
}

function namesIn(model: Model, prefix: string): string[] {
  const names = new Set<string>();
  for (const key of model.keys()) {
    if (!key.startsWith(prefix)) continue;
    const rest = key.slice(prefix.length), slash = rest.indexOf("/");
    names.add(slash < 0 ? rest : rest.slice(0, slash + 1));
  }
  return [...names].sort(byBytes);
}

async function compareAll(storage: RaftStorage, model: Model): Promise<void> {
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await storage.scan("", after === undefined ? { limit: 7 } : { limit: 7, after });
    for (const { key, value } of page) {
      found.push(key);
      assert.deepEqual(value, model.get(key), key);
    }
    if (page.length < 7) break;
    after = page.at(-1)?.key;
  }
  assert.deepEqual(found, [...model.keys()].sort(byBytes));
}

async function writeSome(storage: RaftStorage, model: Model, draw: Draw): Promise<void> {
  const batches = Array.from({ length: 1 + draw(8) }, () => {
    return Array.from({ length: 1 + draw(6) }, () => {
      const known = [...model.keys()];
      const old = known.length > 0 && draw(2) === 0 ? known[draw(known.length)] : undefined;
      const value = draw(4) === 0 ? null : randomValue(draw);
      return { key: old ?? randomKey(draw), value };
    });
  });
  await Promise.all(batches.map((batch) => storage.write(batch)));
  for (const { key, value } of batches.flat()) {
    if (value === null) model.delete(key);
    else model.set(key, value);
  }
}

async function readSome(storage: RaftStorage, model: Model, draw: Draw): Promise<void> {
  const known = [...model.keys()];
  for (let i = 0; i < 5; i++) {
    const key = draw(2) === 0 ? randomKey(draw) : known[draw(known.length)] ?? "none";
    assert.deepEqual(await storage.get(key), model.get(key), key);
    const prefix = key.slice(0, key.indexOf("/") + 1);
    const names = namesIn(model, prefix);
    assert.deepEqual(await storage.list(prefix), names);
    const after = names[draw(names.length)];
    if (after === undefined) continue;
    const expected = names.filter((name) => byBytes(name, after) > 0).slice(0, 3);
    assert.deepEqual(await storage.list(prefix, { after, limit: 3 }), expected);
  }
}

async function snapshotMatches(storage: RaftStorage, model: Model, draw: Draw): Promise<void> {
  const frozen = new Map(model);
  const snapshot = (await storage.snapshot()).entries();
  const seen: Model = new Map();
  for await (const { key, value } of snapshot) {
    seen.set(key, value);
    if (seen.size === 3) await writeSome(storage, model, draw);
  }
  assert.deepEqual(seen, frozen);
}

async function run(path: string, seed: number, steps: number): Promise<void> {
  const draw = seeded(seed);
  const model: Model = new Map();
  let storage = await openForTest(path, SMALL);
  for (let step = 0; step < steps; step++) {
    const choice = draw(40);
    if (choice < 22) await writeSome(storage, model, draw);
    else if (choice < 32) await readSome(storage, model, draw);
    else if (choice === 32) await storage.flush();
    else if (choice === 33) await storage.compact();
    else if (choice === 34) await snapshotMatches(storage, model, draw);
    else if (choice === 35) await compareAll(storage, model);
    else if (choice === 36) {
      const report = await storage.scrub({ pauseMs: 0 });
      assert.deepEqual([report.damages, report.isComplete], [[], true]);
    } else if (choice === 37) {
      await storage.restore([...model].map(([key, value]) => ({ key, value })));
    } else if (choice === 38) {
      await storage.close();
      storage = await openForTest(path, SMALL);
    }
  }
  await compareAll(storage, model);
  const { hash } = await storage.stateHash();
  await storage.restore([...model].reverse().map(([key, value]) => ({ key, value })));
  assert.deepEqual((await storage.stateHash()).hash, hash);
  await compareAll(storage, model);
  await storage.close();
}

const isSlow = Deno.env.get("HOLDFAST_SLOW") === "1";
const steps = isSlow ? 250 : 70;
for (let seed = 1; seed <= (isSlow ? 40 : 4); seed++) {
  Deno.test(`random operations answer as a map would, seed ${seed}`, async () => {
    await inDirectory((path) => run(path, seed, steps));
  });
}
