import { strict as assert } from "node:assert";
import { utf8 } from "../../base/bytes.ts";
import type { Message, MessageBody } from "../consensus/messages.ts";
import { StorageError } from "../errors.ts";
import { EntryType } from "../log_entry.ts";
import { seeded } from "../testing.ts";
import { decodeMessage, messageBytes } from "./message_codec.ts";
import { decodeChunk, decodeHead, encodeChunks, encodeHead } from "./state_codec.ts";

const at = { index: 7, term: 3 };
const bodies: readonly MessageBody[] = [
  { type: "vote", pre: true, last: at, transfer: false },
  { type: "voteReply", pre: false, granted: true },
  { type: "append", previous: at, entries: [], commit: 6, attempt: 2 },
  {
    type: "append",
    previous: at,
    entries: [
      { index: 8, term: 3, type: EntryType.changes, payload: new Uint8Array([1, 0, 0, 0, 0]) },
      { index: 9, term: 3, type: EntryType.noop, payload: new Uint8Array() },
      { index: 10, term: 4, type: EntryType.configuration, payload: utf8("zwei") },
    ],
    commit: 6,
    attempt: 2,
  },
  { type: "appendReply", success: true, match: 9, attempt: -1, hint: at },
  { type: "heartbeat", round: 4, commit: 2 },
  { type: "heartbeatReply", round: 4 },
  { type: "timeoutNow" },
  { type: "readIndex", context: 12 },
  { type: "readIndexReply", context: 12, index: 99 },
];

Deno.test("every message comes out as it went in", () => {
  for (const body of bodies) {
    const message: Message = { from: "a", to: "ü", term: 5, ...body };
    const { entries: before, ...head } = { entries: [], ...message };
    const { entries: after, ...decoded } = { entries: [], ...decodeMessage(messageBytes(message)) };
    assert.deepEqual(decoded, head);
    assert.deepEqual(
      after.map((entry) => ({ ...entry, payload: [...entry.payload] })),
      before.map((entry) => ({ ...entry, payload: [...entry.payload] })),
    );
  }
});

Deno.test("what is no message is refused, whatever it is", () => {
  const draw = seeded(11);
  for (const body of bodies) {
    const whole = messageBytes({ from: "a", to: "b", term: 5, ...body });
    for (let cut = 0; cut < whole.length; cut++) {
      assert.throws(() => decodeMessage(whole.slice(0, cut)), StorageError);
    }
    for (let i = 0; i < 200; i++) {
      const bent = whole.slice();
      bent[draw(bent.length)] = draw(256);
      try {
        decodeMessage(bent);
      } catch (error) {
        assert.ok(error instanceof StorageError);
      }
    }
  }
});

Deno.test("a state comes out as it went in, in chunks", async () => {
  const entries = Array.from({ length: 300 }, (_, i) => ({
    key: `k/ä${i}`,
    value: new Uint8Array(i * 40).fill(i),
  }));
  const found = [];
  async function* all() {
    for (const entry of entries) yield await Promise.resolve(entry);
  }
  let chunks = 0;
  for await (const chunk of encodeChunks(all())) {
    chunks++;
    found.push(...decodeChunk(chunk));
  }
  assert.ok(chunks > 1);
  assert.deepEqual(found, entries);
  const head = {
    from: "a",
    term: 9,
    at: { index: 5, term: 2, termStart: 4, sum: new Uint8Array(16).fill(1) },
    configuration: "[]",
    hash: new Uint8Array(32).fill(2),
  };
  assert.deepEqual(decodeHead(encodeHead(head)), head);
  assert.throws(() => decodeChunk(new Uint8Array([0, 9, 0])), StorageError);
});
