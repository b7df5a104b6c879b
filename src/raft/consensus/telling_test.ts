import { strict as assert } from "node:assert";
import { utf8 } from "../../base/bytes.ts";
import { EntryType } from "../log_entry.ts";
import { newRaft } from "../testing.ts";
import type { Message, MessageBody } from "./messages.ts";
import type { Raft } from "./raft.ts";

/** A leader of three in term 1 whose no-op both others have, and know to be committed. */
function leader(): Raft {
  const raft = newRaft(["a", "b", "c"]);
  raft.campaign();
  hear(raft, "b", { type: "voteReply", pre: true, granted: true });
  hear(raft, "b", { type: "voteReply", pre: false, granted: true });
  work(raft);
  for (const from of ["b", "c"]) acknowledge(raft, from, 1);
  work(raft);
  return raft;
}

function hear(raft: Raft, from: string, body: MessageBody): void {
  raft.step({ from, to: "a", term: 1, ...body });
}

function acknowledge(raft: Raft, from: string, match: number): void {
  const hint = { index: match, term: 1 };
  hear(raft, from, { type: "appendReply", success: true, match, attempt: 0, hint });
}

function propose(raft: Raft): void {
  raft.propose([{ type: EntryType.changes, payload: utf8("x") }]);
}

/** Does what there is to do, and returns what is sent. */
function work(raft: Raft): readonly Message[] {
  const { early, messages, entries } = raft.ready();
  const last = entries.at(-1);
  if (last !== undefined) raft.persisted(last);
  return [...early, ...messages];
}

function told(sent: readonly Message[]): readonly string[] {
  return sent.map(({ to, ...message }) =>
    "commit" in message ? `${to} ${message.type} ${message.commit}` : `${to} ${message.type}`
  );
}

Deno.test("an idle leader tells each follower at once what is committed of its log", () => {
  const raft = leader();
  propose(raft);
  work(raft);
  acknowledge(raft, "b", 2);
  assert.deepEqual(told(work(raft)), ["b heartbeat 2"]);
  acknowledge(raft, "c", 2);
  assert.deepEqual(told(work(raft)), ["c heartbeat 2"]);
  acknowledge(raft, "c", 2);
  assert.deepEqual(told(work(raft)), [], "it knows");
});

Deno.test("a busy leader tells it with the next append alone", () => {
  const raft = leader();
  propose(raft);
  work(raft);
  acknowledge(raft, "b", 2);
  propose(raft);
  assert.deepEqual(told(work(raft)), ["b append 2", "c append 2"]);
  acknowledge(raft, "c", 2);
  assert.deepEqual(told(work(raft)), [], "the append that is on its way tells");
});

Deno.test("what only tells is not answered", () => {
  const raft = newRaft(["a", "b", "c"]);
  hear(raft, "b", { type: "heartbeat", round: 0, commit: 0 });
  assert.deepEqual(told(work(raft)), []);
  hear(raft, "b", { type: "heartbeat", round: 1, commit: 0 });
  assert.deepEqual(told(work(raft)), ["b heartbeatReply"]);
});
