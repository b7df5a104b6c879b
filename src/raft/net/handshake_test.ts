/** Nodes of different versions meet: what they tell each other, and when they part. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { systemClock, systemRandom } from "../../base/clock.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { silentLogger } from "../../base/log.ts";
import { version } from "../../base/version.ts";
import { makeKeyring, tlsOf } from "../../ha/tls_keyring.ts";
import { UnknownFormatError } from "../formats.ts";
import { ClusterPort } from "./cluster_port.ts";
import { RAFT_PROTOCOL } from "./cluster_tls.ts";
import { dial } from "./dial.ts";
import { Kind } from "./kinds.ts";
import { decodeMessage, messageBytes } from "./message_codec.ts";
import { commonProtocol, decodeFacts, encodeFacts, ownFacts, SILENT_NODE } from "./node_facts.ts";
import { RaftTransport, type Receiver } from "./raft_transport.ts";
import { decodeHead } from "./state_codec.ts";

const own = ownFacts({ features: ["x"], zone: "north", upgradeVersion: "2.0.0" });

Deno.test("what a node tells of itself comes out as it went in; one that is silent is of the first version", () => {
  assertEquals(decodeFacts({ id: "a", ...encodeFacts(own) }), own);
  assertEquals(decodeFacts({ id: "a", address: "b" }), SILENT_NODE);
  assertThrows(() => decodeFacts({ version: "1", protocol: "2", features: [] }), TypeError);
});

Deno.test("the newest common protocol is taken; where there is none the sentence names both", () => {
  const other = { ...own, version: "3.0.0", protocol: { oldest: 2, newest: 5 } };
  assertEquals(commonProtocol({ oldest: 1, newest: 3 }, other), 3);
  assertEquals(commonProtocol({ oldest: 1, newest: 9 }, other), 5);
  const told = String(commonProtocol({ oldest: 1, newest: 1 }, other));
  for (const part of ["3.0.0", "2 to 5", version, "1 to 1", "run a version on this node"]) {
    assert(told.includes(part), told);
  }
  assert(String(commonProtocol({ oldest: 6, newest: 7 }, other)).includes("on the other node"));
});

Deno.test("entries and states of a newer form are told from nonsense", () => {
  const at = { index: 1, term: 1 };
  const append = (type: number, payload: Uint8Array) => {
    const head = {
      from: "a",
      to: "b",
      term: 1,
      type: "append",
      previous: at,
      commit: 1,
      attempt: 1,
    };
    const text = utf8(JSON.stringify({ ...head, entries: [[2, 1, type, payload.length]] }));
    const bytes = new Uint8Array(4 + text.length + payload.length);
    new DataView(bytes.buffer).setUint32(0, text.length);
    bytes.set(text, 4);
    bytes.set(payload, 4 + text.length);
    return bytes;
  };
  assertThrows(() => decodeMessage(append(9, new Uint8Array())), UnknownFormatError, "log entry 2");
  assertThrows(() => decodeMessage(append(1, utf8("\x02"))), UnknownFormatError, "format 2");
  assertEquals(decodeMessage(append(1, utf8("\x01"))).type, "append");
  const head = utf8(JSON.stringify({ from: "a", format: 2, at: {} }));
  assertThrows(() => decodeHead(head), UnknownFormatError, "the state that a sends");
  assert(messageBytes({ from: "a", to: "b", term: 1, type: "timeoutNow" }).length > 4);
});

Deno.test("who does not fit is told why, and not listened to", async () => {
  const tls = tlsOf(await makeKeyring(systemClock, systemRandom));
  const heard: string[] = [];
  const receiver: Receiver = {
    receive: ({ from }) => heard.push(from),
    receiveState: () => Promise.resolve(false),
    moved() {},
    introduced: (_id, { features }) => features.includes("x") ? undefined : "it lacks x",
    isRemoved: () => false,
    removed() {},
  };
  const parts = { nodeId: "b", address: "127.0.0.1:1", tls: () => tls, facts: own };
  const transport = new RaftTransport(
    { ...parts, clock: systemClock, log: silentLogger },
    receiver,
  );
  const port = new ClusterPort(silentLogger, systemClock);
  port.answer(RAFT_PROTOCOL, (connection) => transport.accept(connection));
  const at = 32010 + Math.floor(Math.random() * 80);
  await port.listen([{ host: "127.0.0.1", port: at }], tls);
  const greet = async (from: string, facts: Record<string, unknown>): Promise<string> => {
    const connection = await dial(`127.0.0.1:${at}`, RAFT_PROTOCOL, tls, systemClock);
    const answered = new Promise<string>((resolve) => {
      connection.onFrame(({ kind, payload }) =>
        resolve(kind === Kind.refused ? fromUtf8(payload) : "pong")
      );
    });
    connection.send(Kind.hello, utf8(JSON.stringify({ id: from, address: "", ...facts })));
    connection.send(
      Kind.message,
      messageBytes({ from, to: "b", term: 1, type: "timeoutNow" }),
    );
    connection.send(Kind.ping);
    const answer = await answered;
    connection.close();
    return answer;
  };
  try {
    assertEquals(await greet("good", encodeFacts(own)), "pong");
    assertEquals(await greet("old", {}), "it lacks x");
    const future = { ...own, version: "9.0.0", protocol: { oldest: 8, newest: 9 } };
    assert((await greet("new", encodeFacts(future))).includes("9.0.0"));
    assertEquals(heard, ["good"]);

    // What is understood so far does not make up for an entry that is not.
    const text = JSON.stringify({
      ...{ from: "good", to: "b", term: 1, type: "append", commit: 1, attempt: 1 },
      previous: { index: 1, term: 1 },
      entries: [[2, 1, 9, 0]],
    });
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, text.length);
    const connection = await dial(`127.0.0.1:${at}`, RAFT_PROTOCOL, tls, systemClock);
    const refused = new Promise<string>((resolve) => {
      connection.onFrame(({ payload }) => resolve(fromUtf8(payload)));
    });
    connection.send(
      Kind.hello,
      utf8(JSON.stringify({ id: "good", address: "", ...encodeFacts(own) })),
    );
    connection.send(Kind.message, length, utf8(text));
    assert((await refused).includes("the type of log entry 2 has format 9"), await refused);
    connection.close();
  } finally {
    transport.close();
    await port.close();
    await new Promise((resolve) => setTimeout(resolve, 1100));
  }
});
