/** A rewritten state file is the old one without its gaps; what is damaged is not carried over. */
import { strict as assert } from "node:assert";
import { systemClock, systemRandom } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import { FairTurns } from "../base/turn.ts";
import { denoDisk } from "./deno_disk.ts";
import { nodeSha256 } from "./digest.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError, StorageError, StorageFullError } from "./errors.ts";
import type { Change } from "./keys.ts";
import { encodeLeaf } from "./leaf.ts";
import { CHAIN_START } from "./log_record.ts";
import { Memtable } from "./memtable.ts";
import { PinnedState } from "./pinned_state.ts";
import { StateFile } from "./state_file.ts";
import { flushChanges } from "./state_flush.ts";
import { rewriteState } from "./state_rewrite.ts";
import { inDirectory } from "./testing.ts";
import { withDefaults } from "./store_options.ts";

const applied = { index: 42, term: 3, termStart: 40, sum: new Uint8Array(16).fill(9) };

function settingsFor(path: string) {
  const onFatal = (error: Error) => {
    throw error;
  };
  return withDefaults({
    path,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onFatal,
  });
}

/** A file that has seen many entries, large ones among them, of which every fifth is left. */
async function worn(path: string, disk: Disk = denoDisk): Promise<StateFile> {
  const options = { path: `${path}/old.kv`, sha256: nodeSha256, leafCacheBytes: 100_000, disk };
  const empty = {
    applied: CHAIN_START,
    hash: new Uint8Array(32),
    entries: 0,
    bytes: 0,
    nextValueId: 1,
    configuration: "nobody yet",
    replacedAt: 17,
  };
  const file = await StateFile.create(options, empty);
  const changes = (change: (key: string, i: number) => Change) => {
    const table = new Memtable();
    for (let i = 0; i < 2000; i++) table.apply(change(`k/${String(i).padStart(5, "0")}`, i));
    const end = { applied, configuration: "the members" };
    return flushChanges(file, table.sorted(), end, new FairTurns(systemClock));
  };
  const sizeOf = (i: number) => i % 200 === 0 ? 70_000 : 300;
  await changes((key, i) => ({ key, value: new Uint8Array(sizeOf(i)).fill(i) }));
  await changes((key, i) => ({
    key,
    value: i % 5 === 0 ? new Uint8Array(sizeOf(i)).fill(i + 1) : null,
  }));
  return file;
}

async function contentOf(file: StateFile) {
  const found: [string, number, number | undefined][] = [];
  for await (const { key, value } of new PinnedState(file, settingsFor("")).entries()) {
    found.push([key, value.length, value[0]]);
  }
  return found;
}

Deno.test("a rewritten file holds what the old one held, in less space", async () => {
  await inDirectory(async (path) => {
    const old = await worn(path);
    const fresh = await rewriteState(old, `${path}/new.kv`, settingsFor(path));
    assert.deepEqual(await contentOf(fresh), await contentOf(old));
    assert.equal(fresh.meta.entries, 400);
    const { nextValueId: _, ...meta } = old.meta;
    const { nextValueId, ...freshMeta } = fresh.meta;
    assert.deepEqual(freshMeta, meta);
    assert.equal(nextValueId, 11, "ten large values, numbered anew");
    assert.ok(await fresh.diskBytes() < await old.diskBytes() / 2);
    fresh.close();
    old.close();
    const again = await StateFile.open(fresh.options);
    assert.deepEqual(again.meta, fresh.meta);
    assert.equal((await contentOf(again)).length, 400);
    again.close();
  });
});

Deno.test("a leaf that is not what was written ends a rewrite, by name", async () => {
  await inDirectory(async (path) => {
    const old = await worn(path);
    const { low, high, keys, slots } = old.leafFor("k/01000");
    const { row } = encodeLeaf(low, high, keys.slice(1), slots.slice(1));
    await old.writeAhead([{ key: ["l", low], value: row }]);
    await assert.rejects(
      rewriteState(old, `${path}/new.kv`, settingsFor(path)),
      (error) => error instanceof CorruptionError && error.message.includes("old.kv"),
    );
    old.close();
  });
});

Deno.test("a page that is gone ends a rewrite by the file's name, or was not in use", async () => {
  await inDirectory(async (path) => {
    const whole = await worn(path);
    const expected = await contentOf(whole);
    whole.close();
    const content = await Deno.readFile(whole.path);
    const pages = content.length / 4096;
    let named = 0;
    for (let page = 5; page < pages; page += Math.ceil(pages / 25)) {
      const damaged = content.slice().fill(0, page * 4096, (page + 1) * 4096);
      await Deno.writeFile(whole.path, damaged);
      let old: StateFile | undefined;
      try {
        old = await StateFile.open(whole.options);
        const fresh = await rewriteState(old, `${path}/new.kv`, settingsFor(path));
        assert.deepEqual(await contentOf(fresh), expected);
        fresh.close();
      } catch (error) {
        assert.ok(error instanceof CorruptionError && error.message.includes("old.kv"), `${error}`);
        if (old !== undefined) named += 1;
      }
      old?.close();
      await denoDisk.removeKv(`${path}/new.kv`);
    }
    assert.ok(named > 0);
  });
});

Deno.test("what the system says of a file that can't be read comes with the file's name", async () => {
  await inDirectory(async (path) => {
    const openRows: Disk["openRows"] = (file) => {
      const rows = denoDisk.openRows(file);
      return {
        pin: () => rows.pin(),
        first: () => rows.first(),
        floor: (key) => rows.floor(key),
        ahead: (low, limit) => rows.ahead(low, limit),
        leaves: () => {
          throw new Error("disk I/O error");
        },
        chunks: (id, limit) => rows.chunks(id, limit),
        close: () => rows.close(),
      };
    };
    const old = await worn(path, { ...denoDisk, openRows });
    await assert.rejects(
      rewriteState(old, `${path}/new.kv`, settingsFor(path)),
      (error) => error instanceof StorageError && error.message.includes("old.kv: disk I/O error"),
    );
    old.close();
  });
});

Deno.test("what was stored under greater limits is carried over", async () => {
  await inDirectory(async (path) => {
    const old = await worn(path);
    const settings = { ...settingsFor(path), maxEntrySize: 1000, maxTransactionSize: 2000 };
    const fresh = await rewriteState(old, `${path}/new.kv`, settings);
    assert.deepEqual(await contentOf(fresh), await contentOf(old));
    fresh.close();
    old.close();
  });
});

Deno.test("a disk that is full during a rewrite is told as such", async () => {
  await inDirectory(async (path) => {
    const full: Disk = {
      ...denoDisk,
      fillKv: () => Promise.reject(new Error("database or disk is full")),
    };
    const old = await worn(path, full);
    await assert.rejects(
      rewriteState(old, `${path}/new.kv`, settingsFor(path)),
      StorageFullError,
    );
    assert.equal((await contentOf(old)).length, 400);
    old.close();
  });
});
