/** A batch is applied as it was submitted, without being decoded, and takes no more room than it needs. */
import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { utf8 } from "../base/bytes.ts";
import { encodeBatch } from "./batch_codec.ts";
import { type Change, checkBatch, DEFAULT_LIMITS } from "./keys.ts";
import { CHAIN_START, decodeHead, encodeRecord, RECORD_HEAD_BYTES, sumFits } from "./log_record.ts";
import { nodeSha256 } from "./digest.ts";
import { EntryType } from "./log_entry.ts";
import { Submitted } from "./submitted.ts";

const value = utf8("value");
const batch: Change[] = [{ key: "a", value }, { key: "b", value: null }];
const payloadOf = (changes: readonly Change[]) =>
  encodeBatch(changes, checkBatch(changes, DEFAULT_LIMITS));

Deno.test("what this node submitted is not decoded; what came from elsewhere is, and says the same", () => {
  const submitted = new Submitted();
  const payload = payloadOf(batch);
  submitted.note(payload, batch);
  assertStrictEquals(submitted.changesOf(payload)[0]?.value, value);
  const received = payload.slice();
  assertEquals(submitted.changesOf(received), batch);
  assertNotStrictEquals(submitted.changesOf(received)[0]?.value, value);
  submitted.forget(payload);
  assertEquals(submitted.size, 0);
  assertEquals(submitted.changesOf(payload), batch);
});

Deno.test("a value that is a small part of something large does not keep that in memory", () => {
  const submitted = new Submitted();
  const large = new Uint8Array(1024 * 1024);
  const changes = [{ key: "a", value: large.subarray(10, 20) }];
  const payload = payloadOf(changes);
  submitted.note(payload, changes);
  assertEquals(submitted.changesOf(payload)[0]?.value?.buffer.byteLength, 10);
});

Deno.test("a record is proved by the sum it was made with, and by no other", () => {
  const entry = { index: 1, term: 3, type: EntryType.changes, payload: payloadOf(batch) };
  const { record, link } = encodeRecord(entry, CHAIN_START, nodeSha256);
  const head = decodeHead(record);
  if (head === undefined) throw new Error("no head");
  assertEquals([head.index, head.term, head.termStart, head.sum], [
    1,
    3,
    1,
    new Uint8Array(link.sum),
  ]);
  const body = record.subarray(RECORD_HEAD_BYTES);
  assertEquals(body, entry.payload);
  assertEquals(sumFits(record, head, body), true);
  for (const at of [0, 9, 31, RECORD_HEAD_BYTES, record.length - 1]) {
    const damaged = record.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    assertEquals(sumFits(damaged, head, damaged.subarray(RECORD_HEAD_BYTES)), false);
  }
});
