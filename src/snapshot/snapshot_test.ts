import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
// @ts-types="./tar_stream.d.ts"
import archive from "tar-stream";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import { tar, tarHeader } from "../base/tar.ts";
import { testRandom } from "../crypto/testing.ts";
import type { Entry } from "../storage/storage.ts";
import { EntryPacker } from "./entry_codec.ts";
import { readSnapshot } from "./read.ts";
import { asynchronous, testMeta } from "./testing.ts";
import { writeSnapshot } from "./write.ts";

const random = testRandom(11);

function* someEntries(count: number): Generator<Entry> {
  for (let i = 0; i < count; i++) {
    const length = i % 50 === 0 ? 300_000 : i % 7;
    yield { key: `logical/k${String(i).padStart(5, "0")}/é`, value: random.bytes(length) };
  }
}

async function made(folder: string, entries: readonly Entry[]): Promise<Uint8Array> {
  const seal = (sums: Uint8Array) => concat(utf8("sealed "), sums);
  const { body, bytes } = await writeSnapshot(folder, asynchronous(entries), testMeta, seal);
  const file = await new Response(body).bytes();
  assertEquals(file.length, bytes, "as many as was said");
  return file;
}

async function read(folder: string, bytes: Uint8Array): Promise<Entry[]> {
  const snapshot = await readSnapshot(folder, ReadableStream.from([bytes]));
  const found: Entry[] = [];
  for await (const { key, value } of snapshot.entries()) found.push({ key, value: value.slice() });
  await snapshot.dispose();
  assertEquals(snapshot.entryCount, found.length);
  return found;
}

Deno.test("what was saved comes back, entry by entry", async () => {
  const folder = await Deno.makeTempDir();
  const entries = [...someEntries(500)];
  assertEquals(await read(folder, await made(folder, entries)), entries);
  assertEquals([...Deno.readDirSync(folder)].length, 0, "no temporary file is left");
});

Deno.test("an empty content is a snapshot too", async () => {
  const folder = await Deno.makeTempDir();
  assertEquals(await read(folder, await made(folder, [])), []);
});

Deno.test("the lines of the checksums may stand in either order, once each", async () => {
  const folder = await Deno.makeTempDir();
  const sum = (text: string) => createHash("sha256").update(text).digest("hex");
  const meta = '{"Version":1}', state = "";
  const lines = [`${sum(meta)}  meta.json\n`, `${sum(state)}  state.bin\n`];
  const packed = (sums: readonly string[]) => {
    const members = { "meta.json": meta, "state.bin": state, SHA256SUMS: sums.join("") };
    const files = Object.entries({ ...members, "SHA256SUMS.sealed": "" })
      .map(([name, text]) => ({ name, mode: 0o600, content: utf8(text) }));
    return new Uint8Array(gzipSync(tar(files)));
  };
  for (const order of [lines, lines.toReversed()]) {
    assertEquals(await read(folder, packed(order)), []);
  }
  const [first = "", second = ""] = lines;
  for (const wrong of [[first], [second, second], [first, second, first], []]) {
    await assertRejects(() => read(folder, packed(wrong)), Failure, "its checksums do not match");
  }
});

Deno.test("a reader that goes away, whenever, leaves no file and no error behind", async () => {
  for (let round = 0; round < 60; round++) {
    const folder = await Deno.makeTempDir();
    const seal = (sums: Uint8Array) => concat(utf8("sealed "), sums);
    const entries = [...someEntries(round % 3 === 0 ? 1 : 120)];
    const { body: stream } = await writeSnapshot(folder, asynchronous(entries), testMeta, seal);
    const reader = stream.getReader();
    for (let i = 0; i < round % 4; i++) await reader.read();
    await reader.cancel();
    while ([...Deno.readDirSync(folder)].length > 0) await new Promise((r) => setTimeout(r, 1));
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file that was cut short or altered is refused, wherever", async () => {
  const folder = await Deno.makeTempDir();
  const bytes = await made(folder, [...someEntries(60)]);
  for (const length of [0, 1, 10, 1000, bytes.length / 2, bytes.length - 600, bytes.length - 1]) {
    await assertRejects(() => read(folder, bytes.slice(0, length)), Failure);
  }
  for (let i = 0; i < 60; i++) {
    const altered = bytes.slice();
    // The header's time and system, and the bits that fill up the first block's, say nothing.
    const at = 11 + Math.floor((altered.length - 19) * (i / 60));
    altered[at] = (altered[at] ?? 0) ^ 0x20;
    await assertRejects(() => read(folder, altered), Failure);
  }
  await assertRejects(() => read(folder, utf8("not a snapshot")), Failure);
  assertEquals([...Deno.readDirSync(folder)].length, 0, "no temporary file is left");
});

Deno.test("a file with a second state beside the one that was sealed is refused", async () => {
  const folder = await Deno.makeTempDir();
  const [one, other] = [[...someEntries(2)], [...someEntries(3)]].map((entries) => {
    const packer = new EntryPacker(1_000_000);
    for (const entry of entries) packer.add(entry);
    return packer.take();
  });
  assert(one !== undefined && other !== undefined);
  const sum = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const meta = utf8('{"Version":1}');
  const sums = utf8(`${sum(meta)}  meta.json\n${sum(one)}  state.bin\n`);
  const packed = (...states: Bytes[]) => {
    const members: [string, Bytes][] = [
      ["meta.json", meta],
      ...states.map((state): [string, Bytes] => ["state.bin", state]),
      ["SHA256SUMS", sums],
      ["SHA256SUMS.sealed", sums],
    ];
    const files = members.map(([name, content]) => ({ name, mode: 0o600, content }));
    return new Uint8Array(gzipSync(tar(files)));
  };
  assertEquals((await read(folder, packed(one))).length, 2);
  for (const states of [[other, one], [one, other], [one, one]]) {
    await assertRejects(() => read(folder, packed(...states)), Failure, "two of state.bin");
  }
  await assertRejects(() => read(folder, packed(other)), Failure, "its checksums do not match");
  await assertRejects(() => read(folder, packed(one.subarray(9))), Failure, "do not match");
  assertEquals([...Deno.readDirSync(folder)].length, 0, "no temporary file is left");
});

Deno.test("a state of many GiB has a header that others read", async () => {
  for (const size of [0, 8 * 1024 ** 3 - 1, 8 * 1024 ** 3, 5 * 1024 ** 4 + 1]) {
    const extract = archive.extract();
    extract.write(tarHeader({ name: "state.bin", mode: 0o600, size, mtime: 1_800_000_000 }));
    for await (const { header } of extract) {
      assertEquals([header.name, header.size, header.mode], ["state.bin", size, 0o600]);
      break;
    }
  }
});

Deno.test("what a snapshot says of itself is JSON, whatever it names and however large it is", async () => {
  const folder = await Deno.makeTempDir();
  const meta = { ...testMeta, ClusterName: `é"${"n".repeat(70_000)}` };
  for (const entries of [[], [...someEntries(200)]]) {
    const { body: stream } = await writeSnapshot(
      folder,
      asynchronous(entries),
      meta,
      (sums) => sums.slice(),
    );
    assertEquals([...Deno.readDirSync(folder)].length, 0, "its file has no name once it is sent");
    const snapshot = await readSnapshot(folder, stream);
    assertEquals(snapshot.meta.ClusterName, meta.ClusterName);
    assertEquals(snapshot.meta.Size, (await Deno.stat(snapshot.statePath)).size);
    assertEquals(snapshot.entryCount, entries.length);
    await snapshot.dispose();
  }
});
