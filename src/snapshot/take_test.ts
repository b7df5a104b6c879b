import { gunzipSync, gzipSync } from "node:zlib";
import { assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { testRandom } from "../crypto/testing.ts";
import type { Entry } from "../storage/storage.ts";
import { unpackPlain } from "./plain_archive.ts";
import { SpoolFile } from "./spool.ts";
import { takeSnapshot } from "./take.ts";
import { asynchronous, testMeta } from "./testing.ts";
import { writeSnapshot } from "./write.ts";

const random = testRandom(12);

const entries: readonly Entry[] = Array.from({ length: 400 }, (_, i) => ({
  key: i < 3 ? `core/${["keyring", "master", "seal-config"][i]}` : `logical/${1000 + i}/é`,
  value: random.bytes(i % 50 === 0 ? 300_000 : i % 7),
}));

async function made(folder: string): Promise<Bytes> {
  const seal = (sums: Uint8Array) => concat(utf8("sealed "), sums);
  const { body } = await writeSnapshot(folder, asynchronous(entries), testMeta, seal);
  return await new Response(body).bytes();
}

/** What of a file arrives; the spool is gone after. */
async function taken(folder: string, file: Uint8Array, fails?: Error): Promise<Entry[]> {
  const spool = await SpoolFile.take(folder, ReadableStream.from([file.slice()]));
  let found: Entry[] = [];
  try {
    const snapshot = await takeSnapshot(spool, async (all) => {
      found = [];
      for await (const { key, value } of all) {
        if (fails !== undefined) throw fails;
        found.push({ key, value: value.slice() });
      }
    }, ({ meta }) => assertEquals(meta.ClusterName, testMeta.ClusterName));
    assertEquals([snapshot.entryCount, snapshot.fileBytes], [found.length, file.length]);
    return found;
  } finally {
    await spool.remove();
  }
}

Deno.test("all entries are taken, however the file was packed", async () => {
  const folder = await Deno.makeTempDir();
  const file = await made(folder);
  assertEquals(await taken(folder, file), entries);
  const plain = new Uint8Array(gunzipSync(file));
  for (const level of [0, 1, 9]) {
    assertEquals(await taken(folder, new Uint8Array(gzipSync(plain, { level }))), entries);
  }
  // Begins as ours do, and goes on compressed.
  const [head, rest] = [plain.subarray(0, 700), plain.subarray(700)].map((part) =>
    new Uint8Array(gzipSync(part, { level: part.length === 700 ? 0 : 9 }))
  );
  assertEquals(await taken(folder, concat(head ?? plain, rest ?? plain)), entries);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("its own form is read through one buffer, whatever is read at once", async () => {
  const folder = await Deno.makeTempDir();
  const file = await made(folder);
  for (const most of [1000, 65_540, 1_000_000]) {
    let at = 0;
    let bytes = 0;
    const { small, hasState, fileBytes } = await unpackPlain((buffer) => {
      const part = file.subarray(at, at + Math.min(most, buffer.length));
      buffer.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    }, async (pull) => {
      for (let part = await pull(); part !== undefined; part = await pull()) bytes += part.length;
    });
    const names = ["meta.json", "SHA256SUMS", "SHA256SUMS.sealed"];
    assertEquals([[...small.keys()], hasState, fileBytes], [names, true, file.length]);
    const meta: { Size: number } = JSON.parse(new TextDecoder().decode(small.get("meta.json")));
    assertEquals(bytes, meta.Size);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a file that was cut short or altered is refused, wherever", async () => {
  const folder = await Deno.makeTempDir();
  const file = await made(folder);
  for (const length of [0, 1, 10, 1000, file.length / 2, file.length - 600, file.length - 1]) {
    await assertRejects(() => taken(folder, file.slice(0, length)), Failure);
  }
  for (let i = 0; i < 60; i++) {
    const altered = file.slice();
    const at = 11 + Math.floor((altered.length - 19) * (i / 60));
    altered[at] = (altered[at] ?? 0) ^ 0x20;
    await assertRejects(() => taken(folder, altered), Failure);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what goes wrong where entries go is told only of a file that is whole", async () => {
  const folder = await Deno.makeTempDir();
  const file = await made(folder);
  const full = new Error("no space");
  await assertRejects(() => taken(folder, file, full), Error, "no space");
  const cut = file.slice(0, -9);
  await assertRejects(() => taken(folder, cut, full), Failure, "this is no snapshot");
  await Deno.remove(folder, { recursive: true });
});
