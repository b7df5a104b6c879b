import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, concat } from "../base/bytes.ts";
import { testRandom } from "../crypto/testing.ts";
import type { Entry } from "../storage/storage.ts";
import { decodeBlock, decodeEntries, EntryPacker, MalformedStateError } from "./entry_codec.ts";

const random = testRandom(5);
const entries: Entry[] = [1, 0, 100, 2000, 127, 128, 70_000, 3, 0, 1_300_000, 50, 4096, 1].map(
  (length, i) => ({
    key: `${i % 2 === 0 ? "a" : "é".repeat(100)}/${i}`,
    value: random.bytes(length),
  }),
);

function pack(bytes: number): Bytes[] {
  const chunks: Bytes[] = [];
  const packer = new EntryPacker(bytes);
  for (const entry of entries) {
    if (packer.add(entry)) continue;
    chunks.push(packer.take().slice());
    assert(packer.add(entry));
  }
  chunks.push(packer.take().slice());
  return chunks;
}

async function decoded(state: Bytes, step: number): Promise<Entry[]> {
  let at = 0;
  const found: Entry[] = [];
  const read = (buffer: Bytes) => {
    const part = state.subarray(at, at + Math.min(step, buffer.length));
    buffer.set(part);
    at += part.length;
    return Promise.resolve(part.length === 0 ? null : part.length);
  };
  for await (const { key, value, at: start, length } of decodeEntries(read)) {
    assertEquals(decodeBlock(state.subarray(start, start + length)), [{ key, value }]);
    found.push({ key, value: value.slice() });
  }
  return found;
}

Deno.test("entries come back whatever the sizes of the buffers and of what is read at once", async () => {
  const [whole] = pack(5_000_000);
  assert(whole !== undefined);
  for (const bytes of [1, 64, 1000, 100_000]) assertEquals(concat(...pack(bytes)), whole);
  for (const step of [1000, 65_536, 300_001, 10_000_000]) {
    assertEquals(await decoded(whole, step), entries);
  }
  assertEquals(decodeBlock(whole), entries);
});

Deno.test("what ends within an entry, or names no key, is malformed", async () => {
  const [whole] = pack(5_000_000);
  assert(whole !== undefined);
  for (const cut of [1, 200, whole.length - 1, 1_200_000]) {
    await assertRejects(() => decoded(whole.subarray(0, cut), 100_000), MalformedStateError);
  }
  await assertRejects(() => decoded(new Uint8Array([2, 0x12, 0]), 100), MalformedStateError);
  await assertRejects(() => decoded(new Uint8Array([2, 0x12, 9]), 100), MalformedStateError);
});
